// @ts-check
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { startChild } from './child.mjs'
import { startInterimOrigin } from './interim-origin.mjs'
import { withDependencies } from './score.mjs'

/**
 * @typedef {object} SuiteTest a test as the suite writes it; `kind` is absent for required ones
 * @property {string} id
 * @property {string} name
 * @property {'required' | 'optimal' | 'check'} [kind]
 * @property {string[]} [depends_on]
 * @property {boolean} [browser_only]
 * @property {boolean} [revised] run in our form of it
 * @property {boolean} [ours] in no version of the public suite
 *
 * @typedef {object} TestGroup a file of the suite
 * @property {string} id
 * @property {string} name
 * @property {SuiteTest[]} tests
 *
 * @typedef {object} Suite
 * @property {string} label
 * @property {string} engine folder with its `client` and `server`
 * @property {string[]} indexes modules whose default exports are lists of groups
 * @property {TestGroup[]} groups what runs
 * @property {Record<string, string>} kinds overrides of the tests' own kinds; `dropped`: not counted
 * @property {boolean} interim whether the origin has to send interim responses and to pause
 */

const require = createRequire(import.meta.url)
const KINDS = new URL('../kinds.json', import.meta.url)
const REVISED = fileURLToPath(new URL('../revised/index.mjs', import.meta.url))
const ADDED = fileURLToPath(new URL('../added/index.mjs', import.meta.url))

/**
 * The suite itself: of the npm release with today's kinds and with our forms of the tests that are asked differently today,
 * or of a checkout, as it is.
 *
 * @param {{ suite?: string, asReleased?: boolean }} options
 * @returns {Promise<Suite>}
 */
export async function releasedSuite({ suite: folder, asReleased = false }) {
  const root = resolve(folder ?? dirname(require.resolve('http-cache-tests/package.json')))
  const engine = existsSync(join(root, 'test-engine')) ? join(root, 'test-engine') : root
  const index = join(root, 'tests/index.mjs')
  const groups = await importGroups(index)
  const plain = { label: 'conformance', engine, indexes: [index], groups, interim: false }
  if (folder !== undefined) return { ...plain, kinds: {} }
  const kinds = JSON.parse(await readFile(KINDS, 'utf8'))
  if (asReleased) return { ...plain, kinds }
  const revised = new Map(
    (await importGroups(REVISED)).flatMap(group => group.tests.map(test => [test.id, test])),
  )
  const today = groups.map(group => ({
    ...group,
    tests: group.tests.map(test => ({
      ...test,
      revised: revised.has(test.id),
      name: revised.get(test.id)?.name ?? test.name,
    })),
  }))
  return { ...plain, indexes: [REVISED, index], groups: today, kinds }
}

/**
 * Our own tests in the suite's format, run by its client against its server; what they depend on in the suite runs
 * beside them and is not counted.
 *
 * @param {Suite} released
 * @returns {Promise<Suite>}
 */
export async function addedSuite(released) {
  const own = await importGroups(ADDED)
  const ids = new Set(own.flatMap(group => group.tests.map(test => test.id)))
  const others = released.groups.map(group => ({
    ...group,
    tests: group.tests.filter(test => !ids.has(test.id)),
  }))
  const all = [...own, ...others]
  const needed = new Set([...ids].flatMap(id => withDependencies(all, id)))
  const groups = all.map(group => ({ ...group, tests: group.tests.filter(test => needed.has(test.id)) }))
  const kinds = Object.fromEntries([...needed].filter(id => !ids.has(id)).map(id => [id, 'dropped']))
  return {
    label: 'added',
    engine: released.engine,
    indexes: [ADDED, ...released.indexes],
    groups,
    kinds,
    interim: true,
  }
}

/** The groups, without what only a browser's cache can be asked. @param {string} index @returns {Promise<TestGroup[]>} */
async function importGroups(index) {
  const { default: groups } = await import(pathToFileURL(index).href)
  return groups.map((/** @type {TestGroup} */ group) => ({
    ...group,
    tests: group.tests.filter(test => test.browser_only !== true),
  }))
}

/**
 * Starts the suite's own server on a port that the system picks. It reads its settings from npm's variables.
 *
 * @param {Suite} suite
 * @param {string} folder temporary, the caller's to remove
 * @returns {Promise<{ port: number, stop: () => Promise<void> }>}
 */
export async function startSuiteServer({ engine, interim }, folder) {
  const npm = { protocol: 'http', port: '0', pidfile: join(folder, 'server.pid') }
  const env = { ...process.env }
  for (const [name, value] of Object.entries(npm)) env[`npm_config_${name}`] = value
  const child = await startChild("the suite's server", process.execPath, ['server/server.mjs'], {
    cwd: engine,
    env,
    isReady: line => line.startsWith('Listening on '),
  })
  const port = Number(/:(\d+)\/$/.exec(child.ready)?.[1])
  if (!interim) return { port, stop: child.stop }
  const front = await startInterimOrigin(port)
  const stop = async () => {
    await front.stop()
    await child.stop()
  }
  return { port: front.port, stop }
}
