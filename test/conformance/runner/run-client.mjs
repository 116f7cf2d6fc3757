// @ts-check
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CLIENT = fileURLToPath(new URL('client.mjs', import.meta.url))
/** Far beyond what the suite takes (about 30 s): a proxy that hangs must end the run with a reason. */
const LIMIT_MS = 120_000

/**
 * The suite's raw result of a test: `true`, or the kind of its failure and a message.
 * @typedef {true | [string, string]} RawResult
 *
 * @typedef {object} ClientJob
 * @property {string} engine folder with the suite's `client`
 * @property {string[]} indexes modules with groups of tests; the first that has an id counts
 * @property {string} base
 * @property {string[]} ids
 */

/**
 * @param {import('./suite.mjs').Suite} suite
 * @param {string} base URL of the proxy, without a slash at its end
 * @param {string[]} [ids] only these tests
 * @returns {Promise<Record<string, RawResult>>}
 */
export async function runClient(suite, base, ids = allIds(suite)) {
  const { engine, indexes } = suite
  /** @type {ClientJob} */
  const job = { engine, indexes, base, ids }
  const child = spawn(process.execPath, ['--no-warnings', CLIENT, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const limit = setTimeout(kill, LIMIT_MS)
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  let output = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) output += chunk
  const end = await ended
  clearTimeout(limit)
  process.off('exit', kill)
  if (end !== 0)
    throw new Error(`the suite's client ended with ${end}; a proxy that hangs is one cause\n${output}`)
  return JSON.parse(output)
}

/** @param {import('./suite.mjs').Suite} suite */
function allIds({ groups }) {
  return groups.flatMap(group => group.tests.map(test => test.id))
}
