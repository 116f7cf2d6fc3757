import { once } from 'node:events'
import { Session } from 'node:inspector/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What all servers under test have in common: settings in, a port out, questions answered, gone with the bench. */

export const config = JSON.parse(process.argv[2])

const dist = process.env.BENCH_DIST ?? new URL('../../../dist', import.meta.url).href

/** A module of the built package, e.g. `index.js`. @param {string} path */
export function built(path) {
  return import(new URL(path, `${dist.startsWith('file:') ? dist : `file://${dist}`}/`).href)
}

/** ms between looks. What is measured is the time from one look to the next. */
const LOOK = 5
let delay = monitorEventLoopDelay({ resolution: LOOK })
const late = ns => Math.max(0, ns / 1e6 - LOOK)

/** Opened when it is asked for: an inspector that is connected may cost something. @type {Session | undefined} */
let session

const COMMON = {
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  /** After collections, where the process was started with --expose-gc: what one finds garbage can hold more, with memory of its own. */
  memory: async () => {
    for (let i = 0; i < 4; i++) {
      globalThis.gc?.()
      await new Promise(resolve => setImmediate(resolve))
    }
    return process.memoryUsage()
  },
  startDelay: () => {
    delay.disable()
    delay = monitorEventLoopDelay({ resolution: LOOK })
    delay.enable()
  },
  /** Event-loop delay since `startDelay`, ms. */
  delay: () => ({ p50: late(delay.percentile(50)), p99: late(delay.percentile(99)), max: late(delay.max) }),
  /** A CPU profile of the load alone: --cpu-prof would be half about the modules that are loaded at start. */
  startProfile: async () => {
    session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: 250 })
    await session.post('Profiler.start')
  },
  stopProfile: async () => (await session.post('Profiler.stop')).profile,
}

/** @param {number} port @param {Record<string, () => unknown>} answers what else may be asked */
export function ready(port, answers = {}) {
  const known = { ...COMMON, ...answers }
  process.on('message', async ({ id, ask }) => {
    try {
      process.send({ id, value: await known[ask]() })
    } catch (error) {
      process.send({ id, error: String(error?.stack ?? error) })
    }
  })
  process.on('disconnect', () => process.exit(0))
  process.send({ port })
}

/** Listens on a free port and says so. @param {import('node:http').Server} server @param {Record<string, () => unknown>} answers */
export async function serveOn(server, answers = {}) {
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ready(/** @type {import('node:net').AddressInfo} */ (server.address()).port, answers)
}
