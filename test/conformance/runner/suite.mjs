import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startChild } from './child.mjs'

/**
 * @typedef {object} SuiteTest a test as the suite writes it; `kind` is absent for required ones
 * @property {string} id
 * @property {string} name
 * @property {'required' | 'optimal' | 'check'} [kind]
 * @property {string[]} [depends_on]
 * @property {boolean} [browser_only]
 *
 * @typedef {object} TestGroup a file of the suite
 * @property {string} id
 * @property {string} name
 * @property {SuiteTest[]} tests
 *
 * @typedef {object} Suite
 * @property {string} label
 * @property {string} folder where its server and its client are
 * @property {string} index module whose default export is a list of groups
 * @property {Record<string, string>} kinds overrides of the tests' own kinds; `dropped`: not counted
 */

const require = createRequire(import.meta.url)
const KINDS = new URL('../kinds.json', import.meta.url)

/** @param {string | undefined} folder a checkout of the suite; without it the npm release with today's kinds */
export async function releasedSuite(folder) {
  if (folder !== undefined) return makeSuite('checkout', resolve(folder), {})
  const installed = dirname(require.resolve('http-cache-tests/package.json'))
  return makeSuite('conformance', installed, JSON.parse(await readFile(KINDS, 'utf8')))
}

/** @param {string} label @param {string} folder @param {Record<string, string>} kinds @returns {Suite} */
function makeSuite(label, folder, kinds) {
  return { label, folder, index: join(folder, 'tests/index.mjs'), kinds }
}

/** Our own tests in the suite's format, run by its client against its server. @param {Suite} released @returns {Suite} */
export function addedSuite(released) {
  const index = new URL('../added/index.mjs', import.meta.url)
  return { label: 'added', folder: released.folder, index: index.pathname, kinds: {} }
}

/** The groups, without what only a browser's cache can be asked. @param {Suite} suite @returns {Promise<TestGroup[]>} */
export async function loadGroups(suite) {
  const { default: groups } = await import(pathToFileURL(suite.index).href)
  return groups.map((/** @type {TestGroup} */ group) => ({
    ...group,
    tests: group.tests.filter(test => test.browser_only !== true),
  }))
}

/**
 * Starts the suite's own server on a port that the system picks. It reads its settings from npm's variables and
 * serves files from its working folder.
 *
 * @param {string} folder
 * @returns {Promise<import('./child.mjs').Child & { port: number }>}
 */
export async function startSuiteServer(folder) {
  const npm = { protocol: 'http', port: '0', pidfile: join(tmpdir(), `conformance-${process.pid}.pid`) }
  const env = { ...process.env }
  for (const [name, value] of Object.entries(npm)) env[`npm_config_${name}`] = value
  const child = await startChild("the suite's server", process.execPath, ['server/server.mjs'], {
    cwd: folder,
    env,
    isReady: line => line.startsWith('Listening on '),
  })
  return { ...child, port: Number(/:(\d+)\/$/.exec(child.ready)?.[1]) }
}
