// @ts-check
/** `npm run conformance`: scores Strata's built proxy with the public HTTP cache test suite and our own additions. */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeDocs } from './docs.mjs'
import { readOptions } from './options.mjs'
import { startProxy } from './proxy.mjs'
import { currentLine, reportLines } from './report.mjs'
import { runClient } from './run-client.mjs'
import { failures, score } from './score.mjs'
import { startStore } from './stores.mjs'
import { addedSuite, releasedSuite, startSuiteServer } from './suite.mjs'
import { traceTest } from './trace.mjs'

/**
 * @typedef {import('./options.mjs').Options} Options
 * @typedef {import('./suite.mjs').Suite} Suite
 * @typedef {import('./report.mjs').Run} Run
 */

/**
 * Everything is started anew for each store and each suite, so that no run sees what another one has stored.
 *
 * @template T
 * @param {Options} options
 * @param {string} store
 * @param {Suite} suite
 * @param {(originPort: number, plan: Omit<import('./proxy.mjs').ProxyPlan, 'origin'>) => Promise<T>} use
 */
async function withServers(options, store, suite, use) {
  const folder = await mkdtemp(join(tmpdir(), 'strata-conformance-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    const origin = await startSuiteServer(suite, folder)
    try {
      const servers = await startStore(store, folder)
      const { profile, command } = options
      try {
        return await use(origin.port, { store, profile, command, env: servers.env })
      } finally {
        await servers.stop()
      }
    } finally {
      await origin.stop()
    }
  } finally {
    process.off('exit', remove)
    remove()
  }
}

/** @param {Options} options @param {string} store @param {Suite} suite @returns {Promise<Run>} */
async function scoreStore(options, store, suite) {
  const results = await withServers(options, store, suite, async (port, plan) => {
    const proxy = await startProxy({ ...plan, origin: `http://127.0.0.1:${port}` })
    try {
      return await runClient(suite, proxy.base)
    } finally {
      await proxy.stop()
    }
  })
  return { label: suite.label, store, scored: score(suite.groups, results, suite.kinds) }
}

/** @param {Options} options @param {Suite[]} suites @param {string} id */
async function trace(options, suites, id) {
  for (const suite of suites) {
    if (!suite.groups.some(group => group.tests.some(test => test.id === id))) continue
    let passed = true
    for (const store of options.stores) {
      passed =
        (await withServers(options, store, suite, (originPort, proxy) =>
          traceTest({ suite, id, originPort, proxy }),
        )) && passed
    }
    return passed
  }
  throw new Error(`there is no test "${id}" that applies to a proxy`)
}

/** @param {string[]} argv @returns {Promise<boolean>} whether every required and optimal test passed */
async function main(argv) {
  const options = readOptions(argv)
  const released = await releasedSuite(options)
  const suites = [released, await addedSuite(released)]
  if (options.id !== undefined) return trace(options, suites, options.id)
  const runs = await scoreStores(options, suites)
  if (options.writeDocs) {
    const others = await scoreStores(
      { ...options, profile: 'default', stores: options.stores.slice(0, 1) },
      suites,
    )
    await writeDocs([
      { profile: options.profile, runs },
      { profile: 'default', runs: others },
    ])
  }
  return runs.every(run => failures(run.scored).length === 0)
}

/** @param {Options} options @param {Suite[]} suites */
async function scoreStores(options, suites) {
  /** @type {Run[]} */
  const runs = []
  for (const store of options.stores) {
    /** @type {Run[]} */
    const own = []
    for (const suite of suites) {
      const run = await scoreStore(options, store, suite)
      for (const line of reportLines(run)) console.log(line)
      own.push(run)
    }
    if (!options.asReleased && options.suite === undefined) console.log(currentLine(store, own))
    runs.push(...own)
  }
  return runs
}

// Ended from outside, the run ends what it has started as well (the 'exit' handlers do that).
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.once(signal, () => process.exit(130))

try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
