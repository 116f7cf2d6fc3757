#!/usr/bin/env node
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import ts from 'typescript'
import { mutate } from './mutation/mutants.mjs'

/**
 * Mutation testing of the policy core: breaks each rule of `src/http` in turn and sees whether a unit test turns red.
 *
 *   npm run mutation                     the rules
 *   npm run mutation -- all              all of src/http
 *   npm run mutation -- decide judge     these files alone
 *
 * All mutants are compiled in at once and chosen at run time, and the tests run without jest, each mutant against just those that
 * reach it. A mutant that runs too long counts as found. Exit code 1 below the threshold.
 */
const ROOT = resolve(import.meta.dirname, '..')
const OUT = join(ROOT, 'node_modules/.cache/strata-mutation')
const SHIM = pathToFileURL(join(ROOT, 'scripts/mutation/shim.mjs')).href
const WORKER = join(ROOT, 'scripts/mutation/worker.mjs')
const SEED = 20_260_101
const TIMEOUT_MS = 3_000
const THRESHOLD = 90

/** The rules themselves; the readers of syntax beside them take minutes. */
const RULES = 'decide judge storable freshness policy partial update useful key content-coding'.split(' ')

const named = process.argv.slice(2)
const wanted = new Set(named.length === 0 ? RULES : named)
const { mutants, files } = await build()
const plan = await dryRun()
const results = await runAll(plan)
await rm(OUT, { recursive: true, force: true })
process.exitCode = report(results) < THRESHOLD ? 1 : 0

async function build() {
  await rm(OUT, { recursive: true, force: true })
  const all = []
  for (const path of await sources('src/http')) {
    let text = await readFile(join(ROOT, path), 'utf8')
    if (wanted.has('all') || wanted.has(basename(path, '.ts'))) {
      const mutated = mutate(path, text, all.length)
      text = mutated.text
      all.push(...mutated.mutants)
    }
    await emit(path, text)
  }
  await emit('test/support/responses.ts', await readFile(join(ROOT, 'test/support/responses.ts'), 'utf8'))
  const tests = []
  for (const path of await sources('test/unit/http')) {
    const text = await readFile(join(ROOT, path), 'utf8')
    tests.push(await emit(path, text.replace("'@jest/globals'", `'${SHIM}'`)))
  }
  return { mutants: all, files: tests }
}

async function sources(folder) {
  const names = await readdir(join(ROOT, folder))
  return names
    .filter(name => name.endsWith('.ts'))
    .sort()
    .map(name => `${folder}/${name}`)
}

async function emit(path, text) {
  const out = join(OUT, path.replace(/\.ts$/, '.js'))
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  }
  const { outputText } = ts.transpileModule(text, { compilerOptions, fileName: path })
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, outputText)
  return pathToFileURL(out).href
}

function start(work, files, onMessage) {
  const worker = new Worker(WORKER, { workerData: { files, shim: SHIM, work, seed: SEED } })
  const ended = new Promise((done, failed) => {
    worker.on('message', onMessage)
    worker.on('error', failed)
    worker.on('exit', done)
  })
  return { worker, ended }
}

/**
 * Tests by mutant, fast ones first; null for what shows as its module loads: no test can be seen to reach it, so the module's own test
 * file is run whole.
 */
async function dryRun() {
  let reached
  await start([], files, message => (reached = message.dry)).ended
  const tests = new Map(mutants.map(({ id }) => [id, []]))
  const fastFirst = reached.map((r, test) => ({ ...r, test })).sort((a, b) => a.ms - b.ms)
  for (const { ids, test } of fastFirst) for (const id of ids) tests.get(id).push(test)
  return mutants.map(mutant => ({ ...mutant, tests: mutant.isStatic ? null : tests.get(mutant.id) }))
}

async function runAll(plan) {
  const results = new Map()
  for (const { id, tests } of plan) if (tests?.length === 0) results.set(id, undefined)
  const todo = plan.filter(({ id }) => !results.has(id))
  const lanes = Math.max(1, Math.min(4, availableParallelism() - 1))
  await Promise.all(Array.from({ length: lanes }, () => lane(todo, results)))
  return results
}

/** Takes batches until none is left. Static mutants go one by one, each in modules loaded afresh. */
async function lane(todo, results) {
  for (;;) {
    const alone = todo[0]?.isStatic === true
    const end = alone ? 1 : todo.findIndex(m => m.isStatic)
    let work = todo.splice(0, Math.min(end === -1 ? 100 : end, 100))
    if (work.length === 0) return
    while (work.length > 0) {
      await batch(work, results)
      work = work.filter(({ id }) => !results.has(id))
    }
  }
}

async function batch(work, results) {
  let timer
  const [{ file, isStatic }] = work
  const own = files.filter(test => basename(test, '.test.js') === basename(file, '.ts'))
  const { worker, ended } = start(
    work.map(({ id, tests }) => ({ id, tests })),
    isStatic ? own : files,
    ({ start: started, done, killer }) => {
      clearTimeout(timer)
      if (done !== undefined) results.set(done, killer)
      const running = started
      timer =
        running === undefined
          ? undefined
          : setTimeout(() => {
              results.set(running, 'too long')
              void worker.terminate()
            }, TIMEOUT_MS)
    },
  )
  await ended
  clearTimeout(timer)
}

function report(results) {
  const byFile = new Map()
  for (const mutant of mutants) {
    const row = byFile.get(mutant.file) ?? { found: 0, all: 0 }
    row.all++
    if (results.get(mutant.id) === undefined) {
      const reached = plan[mutant.id].tests?.length === 0 ? 'no test reaches it' : 'survived'
      console.log(
        `${mutant.file}:${mutant.line} ${reached}: ${oneLine(mutant.from)}  →  ${oneLine(mutant.to)}`,
      )
    } else row.found++
    byFile.set(mutant.file, row)
  }
  let found = 0
  for (const [file, row] of byFile) {
    found += row.found
    console.log(`mutation ${file}: ${row.found}/${row.all} ${percent(row.found, row.all)} %`)
  }
  console.log(`mutation total: ${found}/${mutants.length} ${percent(found, mutants.length)} %`)
  return percent(found, mutants.length)
}

function percent(part, whole) {
  return Math.floor((part / whole) * 1000) / 10
}

function oneLine(text) {
  const flat = text.replace(/\s+/g, ' ')
  return flat.length > 90 ? `${flat.slice(0, 87)}…` : flat
}
