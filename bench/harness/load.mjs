import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { isInstalled } from './processes.mjs'
import { run } from './run.mjs'
import { wrk } from './wrk.mjs'

/**
 * @typedef {object} Request
 * @property {string} path
 * @property {Record<string, string>} [headers]
 */

/**
 * @typedef {object} Load
 * @property {number} port
 * @property {Request[]} requests sent in turn
 * @property {string} [unique] in place of `requests`: the beginning of paths that never come twice
 * @property {number} connections
 */

/**
 * @typedef {object} Measured
 * @property {number} requests
 * @property {number} seconds
 * @property {number} bytes
 * @property {number} p50 µs
 * @property {number} p99 µs
 * @property {number} errors connections that failed, timeouts, answers from 400
 */

/** @param {'wrk' | 'autocannon' | undefined} wanted @returns {'wrk' | 'autocannon'} */
export function generatorOf(wanted) {
  return wanted ?? (isInstalled('wrk') ? 'wrk' : 'autocannon')
}

/**
 * One run of load on one server.
 *
 * @param {'wrk' | 'autocannon'} generator
 * @param {Load} load
 * @param {number} seconds
 * @param {string} folder for the generator's script
 * @returns {Promise<Measured>}
 * @throws Error when any request failed: such a round measures something else
 */
export async function generate(generator, load, seconds, folder) {
  const fresh = { ...load }
  if (load.unique !== undefined) fresh.unique = `${load.unique}${randomBytes(6).toString('hex')}-`
  const measured = generator === 'wrk' ? await wrk(fresh, seconds, folder) : await autocannon(fresh, seconds)
  if (measured.errors > 0)
    throw new Error(`${measured.errors} of ${measured.requests} requests failed under load`)
  return measured
}

async function autocannon(load, seconds) {
  const script = fileURLToPath(new URL('autocannon-run.mjs', import.meta.url))
  return JSON.parse(await run('others', process.execPath, [script, JSON.stringify({ ...load, seconds })]))
}
