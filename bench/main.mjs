import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { BENCHES, chosenBenches } from './benches/index.mjs'
import { Context } from './harness/context.mjs'
import { generatorOf } from './harness/load.mjs'
import { measure, oneRound, warmUp } from './harness/measure.mjs'
import { parseOptions, USAGE } from './harness/options.mjs'
import { writeDocs } from './report/docs.mjs'
import { allReports, machine, readReport, versions, writeReport } from './report/results.mjs'
import { selfTimes, selfTimeTable } from './report/self-times.mjs'
import { compareRounds, summarise } from './report/stats.mjs'
import { changes, rate as rateText, textTable } from './report/table.mjs'

const say = text => process.stdout.write(`${text}\n`)

let options
let benches
try {
  options = parseOptions(process.argv.slice(2))
  benches = chosenBenches(options)
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exit(2)
}
if (options.list) {
  for (const { name, subject, baseline, atLeast } of BENCHES)
    say(
      `${name.padEnd(20)} ${subject}; against ${baseline}${atLeast === undefined ? '' : `; at least ${atLeast}`}`,
    )
} else if (options.profile !== undefined) {
  for (const bench of benches) await profile(bench)
} else {
  if (benches.length > 0) await runAll()
  else if (!options.writeDocs) say(USAGE)
  if (options.writeDocs) say(`written: ${writeDocs(allReports())}`)
}

async function runAll() {
  const generator = generatorOf(options.generator)
  const { rounds, duration, warmUp: warm, connections } = options
  const report = {
    at: new Date().toISOString(),
    machine: machine(),
    versions: versions(options.node, generator),
    options: { rounds, duration, warmUp: warm, connections },
    results: [],
  }
  say(
    `Node ${report.versions.node}, ${report.versions.generator}, ${rounds} rounds of ${duration} s for each side\n`,
  )
  for (const bench of benches) {
    const result = await runOne(bench, generator)
    report.results.push(result)
    say(JSON.stringify(result))
  }
  say(`\n${textTable(report.results)}\n`)
  if (options.compare !== undefined) {
    const { at, results } = readReport(options.compare)
    say(`Since ${at}:\n${changes(report.results, results).join('\n')}\n`)
  }
  say(`written: ${writeReport(report, options.json)}`)
  if (report.results.some(({ failed }) => failed !== undefined)) process.exitCode = 1
}

/** @param {import('./benches/hits.mjs').Bench} bench @returns {Promise<import('./report/results.mjs').Result>} */
async function runOne({ name, atLeast, unit, open }, generator) {
  const about = { bench: name, atLeast, unit }
  const context = new Context(options)
  try {
    const pair = await open(context)
    if ('skipped' in pair) return { ...about, skipped: pair.skipped }
    const { subject, baseline } = await measure(
      pair,
      options,
      generator,
      context.path('load', { folder: true }),
    )
    const { ratio, cpuRatio, spread, cpuSpread } = compareRounds(subject, baseline)
    return {
      bench: name,
      ratio: rounded(ratio),
      cpuRatio: rounded(cpuRatio),
      spread: spread.map(rounded),
      cpuSpread: cpuSpread?.map(rounded),
      atLeast,
      unit,
      rounds: subject.length,
      subject: summarise(subject),
      baseline: summarise(baseline),
    }
  } catch (error) {
    // The others are still worth running; the exit code tells.
    return { ...about, failed: String(error?.stack ?? error) }
  } finally {
    await context.close()
  }
}

/** One round of the subject alone, under the profiler; after the warm-up, so that it is about the load alone. */
async function profile({ name, unit, open }) {
  const generator = generatorOf(options.generator)
  const context = new Context(options)
  try {
    const pair = await open(context)
    if ('skipped' in pair) return say(`${name}: skipped: ${pair.skipped}`)
    const { subject } = pair
    const scripts = context.path('load', { folder: true })
    let found
    const profiled = async (server, work) => {
      await server.ask('startProfile')
      const result = await work()
      found = await server.ask('stopProfile')
      return result
    }
    await warmUp(subject, options, generator, scripts)
    const round = () => oneRound(subject, options, generator, scripts)
    const { rate, cpu } = await (subject.sample?.(profiled) ?? profiled(subject.server, round))
    const file = join(resolve(options.profile), `${name}.cpuprofile`)
    mkdirSync(options.profile, { recursive: true })
    writeFileSync(file, JSON.stringify(found))
    say(`${name}: ${rateText(rate, unit)}, ${cpu?.toFixed(1)} µs of CPU each (under the profiler)`)
    say(`${file}\n${selfTimeTable(selfTimes(found), 25)}\n`)
  } finally {
    await context.close()
  }
}

/** @template {number | undefined} N @param {N} value @returns {N} */
function rounded(value) {
  return value === undefined ? value : Number(value.toFixed(4))
}
