/**
 * Runs the suite's own client, unchanged, in a process of its own (its results live in module state), as the suite's
 * cli.mjs does, and writes the results to stdout as JSON.
 *
 * node client.mjs <folder of the suite> <index of tests> <base URL> [id …]
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, index, base, ...ids] = process.argv.slice(2)

/** @param {string} file */
const load = file => import(pathToFileURL(file).href)

/** The fetch of the suite's own cli.mjs: node-fetch where it depends on that, else the one of Node. */
async function suiteFetch() {
  try {
    return (await load(createRequire(join(folder, 'cli.mjs')).resolve('node-fetch'))).default
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'MODULE_NOT_FOUND') throw error
    return globalThis.fetch
  }
}

const { runTests, getResults } = await load(join(folder, 'client/runner.mjs'))
const { default: groups } = await load(index)
const wanted =
  ids.length === 0
    ? groups
    : groups.map((/** @type {import('./suite.mjs').TestGroup} */ group) => ({
        ...group,
        tests: group.tests.filter(test => ids.includes(test.id)),
      }))
await runTests(wanted, await suiteFetch(), false, base)
process.stdout.write(JSON.stringify(getResults()), () => process.exit())
