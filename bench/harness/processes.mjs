import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { pinned } from './cores.mjs'

/**
 * @typedef {object} Running a process under test or beside it
 * @property {number} pid
 * @property {number} port
 * @property {(what: string) => Promise<any>} ask what the process alone knows (servers/support/child.mjs answers)
 * @property {() => Promise<number>} cpu user and system time that it has taken so far, µs
 * @property {() => Promise<void>} stop
 */

/**
 * Runs `bench/servers/<file>` with its settings, until it says which port it listens on.
 *
 * @param {string} file
 * @param {object} config JSON
 * @param {{ place: import('./cores.mjs').Place, node: string, nodeArgs?: string[] }} how
 * @returns {Promise<Running>}
 */
export async function startServer(file, config, { place, node, nodeArgs = [] }) {
  const path = fileURLToPath(new URL(`../servers/${file}`, import.meta.url))
  const [command, args] = pinned(place, node, [...nodeArgs, path, JSON.stringify(config)])
  // What servers log costs them the writing; where it goes to is not part of the measurement.
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const asked = new Map()
  let next = 0
  const started = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      const error = new Error(`${file} ended with ${signal ?? code}`)
      reject(error)
      for (const { fail } of asked.values()) fail(error)
    })
    child.on('message', message => {
      if (message.port !== undefined) return resolve(message.port)
      const { give, fail } = asked.get(message.id)
      asked.delete(message.id)
      if (message.error === undefined) give(message.value)
      else fail(new Error(`${file}: ${message.error}`))
    })
  })
  const port = await started
  const ask = what =>
    new Promise((give, fail) => {
      const id = next++
      asked.set(id, { give, fail })
      child.send({ id, ask: what })
    })
  return {
    pid: child.pid,
    port,
    ask,
    cpu: () => ask('cpu'),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.disconnect()
      const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
      await gone
      clearTimeout(late)
    },
  }
}

/**
 * Runs a program of the system (redis-server, nginx, varnishd) until its port takes connections.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ place: import('./cores.mjs').Place, port: number }} how
 * @returns {Promise<Running>}
 */
export async function startProgram(command, args, { place, port }) {
  const child = spawn(...pinned(place, command, args), { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', text => (output = (output + text).slice(-4000)))
  let ended = false
  child.once('error', error => ((ended = true), (output += error.message)))
  child.once('exit', () => (ended = true))
  for (const until = Date.now() + 15_000; !(await accepts(port)); await delay(20)) {
    if (ended || Date.now() > until) {
      child.kill('SIGKILL')
      throw new Error(`${command} does not listen on port ${port}:\n${output}`)
    }
  }
  return {
    pid: child.pid,
    port,
    ask: async what => {
      throw new Error(`${command} can't be asked for ${what}`)
    },
    cpu: async () => cpuOfTree(child.pid),
    stop: async () => {
      if (ended) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 5000)
      await gone
      clearTimeout(late)
    },
  }
}

/** A port that is free now. @returns {Promise<number>} */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/** Whether a program is in the PATH. @param {string} command */
export function isInstalled(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** @param {number} port @returns {Promise<boolean>} */
function accepts(port) {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}

let ticks = 0

/** CPU time of a process and all it has started, µs: a master's workers do its work. @param {number} pid @returns {number} */
function cpuOfTree(pid) {
  ticks ||= Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100
  let sum = 0
  for (const one of treeOf(pid)) {
    // The name may hold spaces and brackets: count from the last bracket.
    const fields = readFileSync(`/proc/${one}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    sum += Number(fields[11]) + Number(fields[12])
  }
  return (sum / ticks) * 1e6
}

/** @param {number} pid @returns {number[]} */
function treeOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap(child => treeOf(Number(child))))]
}
