import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { pinned } from './cores.mjs'

/**
 * Runs a program in its place to its end.
 *
 * @param {import('./cores.mjs').Place} place
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string>} what it wrote
 * @throws Error with what it wrote when it failed
 */
export async function run(place, command, args) {
  const child = spawn(...pinned(place, command, args), { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', text => (output += text))
  child.stderr.setEncoding('utf8').on('data', text => (complaints += text))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}${complaints}`)
  return output
}
