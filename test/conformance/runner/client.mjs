// @ts-check
/**
 * Runs the suite's own client, unchanged, in a process of its own (its results live in module state), as the suite's
 * cli.mjs does, and writes the results to stdout as JSON.
 *
 * node client.mjs <JSON of ClientJob>
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { extendedFetch } from './extended-fetch.mjs'

/** @type {import('./run-client.mjs').ClientJob} */
const { engine, indexes, base, ids } = JSON.parse(process.argv[2] ?? '')

/** @param {string} file */
const load = file => import(pathToFileURL(file).href)

/** The fetch of the suite's own cli.mjs: node-fetch where it depends on that, else the one of Node. */
async function suiteFetch() {
  try {
    return (await load(createRequire(join(engine, 'cli.mjs')).resolve('node-fetch'))).default
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'MODULE_NOT_FOUND') throw error
    return globalThis.fetch
  }
}

const { runTests, getResults } = await load(join(engine, 'client/runner.mjs'))
const wanted = new Set(ids)
const groups = []
for (const index of indexes) {
  for (const group of (await load(index)).default) {
    const tests = group.tests.filter((/** @type {{ id: string }} */ { id }) => wanted.delete(id))
    if (tests.length > 0) groups.push({ ...group, tests })
  }
}
const tests = groups.flatMap(group => group.tests)
const fetch = await suiteFetch()
await runTests(groups, extendedFetch(fetch, tests), false, base)
process.stdout.write(JSON.stringify(getResults()), () => process.exit())
