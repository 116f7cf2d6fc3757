// @ts-check
import { parseArgs } from 'node:util'

/** The backends that are scored, in the order in which they are run. */
export const STORES = ['memory', 'embedded', 'redis', 's3-redis']

/**
 * @typedef {object} Options
 * @property {string[]} stores backends to run on
 * @property {'conformance' | 'default'} profile which named settings Strata gets
 * @property {string | undefined} id run this one test, with what it depends on, and trace it
 * @property {boolean} writeDocs write docs/conformance.md from this run
 * @property {boolean} asReleased the release's own form of the tests that the current version asks differently
 * @property {string | undefined} suite folder of a checkout of the suite, in place of the npm release
 * @property {string | undefined} command another proxy to score: gets ORIGIN, prints Strata's start line
 */

const USAGE = `usage: npm run conformance -- [--store ${STORES.join('|')}|all] [--profile conformance|default]
                              [--id test-id] [--write-docs] [--as-released] [--suite folder] [--command 'other proxy']`

/** @param {string} value */
function fail(value) {
  return new Error(`${value}\n${USAGE}`)
}

/**
 * @param {string[]} argv arguments after the script's name
 * @returns {Options}
 * @throws {Error} with the usage, when an argument is unknown or has a value that it can't have
 */
export function readOptions(argv) {
  let values
  try {
    ;({ values } = parseArgs({
      args: argv,
      options: {
        store: { type: 'string', default: 'embedded' },
        profile: { type: 'string', default: 'conformance' },
        id: { type: 'string' },
        'write-docs': { type: 'boolean', default: false },
        'as-released': { type: 'boolean', default: false },
        suite: { type: 'string' },
        command: { type: 'string' },
      },
    }))
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error))
  }
  const stores = values.store === 'all' ? STORES : values.store.split(',')
  const unknown = stores.find(store => !STORES.includes(store))
  if (unknown !== undefined) throw fail(`--store: there is no store "${unknown}"`)
  const { profile } = values
  if (profile !== 'conformance' && profile !== 'default') throw fail(`--profile: there is no "${profile}"`)
  if (
    values['write-docs'] &&
    (profile === 'default' ||
      values['as-released'] ||
      (values.id ?? values.command ?? values.suite) !== undefined)
  ) {
    throw fail(
      '--write-docs makes whole runs of Strata: without --profile default, --id, --command, --suite or --as-released',
    )
  }
  return {
    stores: values.command === undefined ? stores : ['command'],
    profile,
    id: values.id,
    writeDocs: values['write-docs'],
    asReleased: values['as-released'],
    suite: values.suite,
    command: values.command,
  }
}
