// @ts-check
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const START_LIMIT_MS = 20_000
const STOP_LIMIT_MS = 15_000

/**
 * @typedef {object} Child
 * @property {string} ready the line that `isReady` waited for
 * @property {() => Promise<void>} stop ends the process and waits until it has gone
 */

/**
 * Starts a process and waits until it has printed the line that says it is ready.
 *
 * @param {string} name for error messages
 * @param {string} file executable
 * @param {string[]} args
 * @param {object} options
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {string} [options.cwd]
 * @param {(line: string) => boolean} options.isReady
 * @param {(line: string) => void} [options.onLine] gets every later line of stdout and stderr
 * @returns {Promise<Child>}
 * @throws {Error} when it ends, or says nothing for 20 s, before it is ready; the message has its last lines
 */
export function startChild(name, file, args, { env = process.env, cwd, isReady, onLine }) {
  const child = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  /** @type {string[]} */
  const tail = []
  const ended = new Promise(resolve => child.once('close', resolve))
  const stop = () => stopChild(name, child, ended)
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  void ended.then(() => process.off('exit', kill))
  return new Promise((resolve, reject) => {
    let started = false
    const limit = setTimeout(
      () => give(`${name} was not ready after ${START_LIMIT_MS / 1000} s`),
      START_LIMIT_MS,
    )
    /** @param {string} why */
    const give = why => {
      clearTimeout(limit)
      if (started) return
      reject(new Error([why, ...tail].join('\n  ')))
      child.kill('SIGKILL')
    }
    /** @param {string} line */
    const read = line => {
      tail.push(line)
      if (tail.length > 30) tail.shift()
      if (started) onLine?.(line)
      else if (isReady(line)) {
        started = true
        clearTimeout(limit)
        resolve({ ready: line, stop })
      }
    }
    createInterface({ input: child.stdout }).on('line', read)
    createInterface({ input: child.stderr }).on('line', read)
    child.once('error', error => give(`${name} could not be started (${file}): ${error.message}`))
    void ended.then(() =>
      give(`${name} ended with ${child.exitCode ?? child.signalCode} before it was ready`),
    )
    child.once('exit', (code, signal) => {
      if (started && signal === null && code !== 0)
        console.error(`${name} ended with ${code}:\n  ${tail.join('\n  ')}`)
    })
  })
}

/**
 * @param {string} name
 * @param {import('node:child_process').ChildProcess} child
 * @param {Promise<unknown>} ended
 */
async function stopChild(name, child, ended) {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const limit = setTimeout(() => {
    console.error(`${name} did not stop within ${STOP_LIMIT_MS / 1000} s of SIGTERM and was killed`)
    child.kill('SIGKILL')
  }, STOP_LIMIT_MS)
  await ended
  clearTimeout(limit)
}
