// @ts-check
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startChild } from './child.mjs'

const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url))

/**
 * Each request of the suite says of which test it is. The default settings would take that for the sender's own, and share no answer: as
 * an operator does with fields of a load balancer, they are told that these change nothing.
 */
const SUITE_FIELDS = { STRATA_HTTP_SHARED_FIELDS: 'Test-Name,Test-ID,Req-Num' }

/**
 * @typedef {object} ProxyPlan
 * @property {string} origin URL of the suite's server
 * @property {string} store backend
 * @property {import('./options.mjs').Options['profile']} profile
 * @property {Record<string, string>} env of the store
 * @property {string} [command] another proxy than Strata
 * @property {(line: string) => void} [onLine] gets its log
 */

/**
 * Starts Strata's built command (or another proxy) in front of the origin, on a port that the system picks.
 *
 * @param {ProxyPlan} plan
 * @returns {Promise<import('./child.mjs').Child & { base: string }>} `base` is its URL, without a slash at its end
 */
export async function startProxy({ origin, store, profile, env, command, onLine }) {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STRATA_')))
  const options = { isReady: (/** @type {string} */ line) => addressIn(line) !== undefined, onLine }
  let child
  if (command !== undefined) {
    child = await startChild(command, '/bin/sh', ['-c', `exec ${command}`], {
      ...options,
      env: { ...own, ORIGIN: origin },
    })
  } else {
    if (!existsSync(CLI)) throw new Error('dist/cli.js is not there: run `npm run build` first')
    const args = [CLI, 'serve', '--origin', origin, '--port', '0', '--backend', store]
    // The suite asks what the rules are, a hundred tests at once beside its own servers: a store that is slow because the machine
    // is busy must not be taken for one that is broken.
    const patient = { STRATA_TIERS_TIMEOUT_MS: '5000' }
    const chosen = profile === 'default' ? SUITE_FIELDS : { STRATA_PROFILE: profile }
    child = await startChild('strata', process.execPath, args, {
      ...options,
      env: { ...own, ...env, ...patient, ...chosen },
    })
  }
  const address = /** @type {{ port: number }} */ (addressIn(child.ready))
  return { ...child, base: `http://127.0.0.1:${address.port}` }
}

/** The first address of the start-up line, or undefined when the line is another one. @param {string} line */
function addressIn(line) {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line).addresses?.[0]
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
