import type { Page } from './origin.js'
import { Random } from './random.js'
import { startRig, type Rig } from './rig.js'
import { sleep } from './signals.js'
import { Tally } from './tally.js'

export interface Standstill {
  /** Answers before, and while Redis stood still. */
  readonly before: Tally
  readonly during: Tally
  /** What was not as promised. */
  readonly faults: readonly string[]
  /** From SIGCONT to hits on every node again, ms. */
  readonly healedMs: number
}

const PAGES = 20
const WORKERS = 8
const HEALS_WITHIN_MS = 30_000
/** What was under way when the signal was sent. */
const SLACK_MS = 100

/** Redis stands still (SIGSTOP) under load, and goes on again (SIGCONT). */
export async function standstill(forMs: number, seed = 1): Promise<Standstill> {
  const rig = await startRig({ backend: 'redis', nodes: 2 })
  const random = new Random(seed)
  const before = new Tally()
  const during = new Tally()
  const faults: string[] = []
  let tally = before
  let going = true
  let pausedAt = Infinity
  try {
    for (let i = 0; i < PAGES; i++) {
      const page = pageOf(i)
      rig.oracle.watch(page.path)
      rig.origin.add(page)
    }
    /** From a request's sending, or so long after the beginning of the standstill, until now. */
    const stoodStill = (sentAt: number, afterMs: number) => sentAt > pausedAt + afterMs + SLACK_MS
    const worker = async () => {
      while (going) {
        await ask()
        await sleep(random.int(0, 10))
      }
    }
    const purger = async () => {
      while (going) {
        await purge()
        await sleep(200)
      }
    }
    const ask = async () => {
      const { node } = random.pick(rig.stations)
      const path = `/page/${random.int(0, PAGES - 1)}`
      const sentAt = performance.now()
      const counted = tally
      const expected = rig.oracle.requestSent(path, node.name, 'none')
      const reply = await node.client.ask(path)
      rig.oracle.answered(expected, reply)
      counted.took(reply.ms)
      const cache = String(reply.headers['x-cache']).split(' ')[0]!
      counted.count(`${reply.status} ${cache}`)
      if (reply.status !== 200) faults.push(`${path} at ${node.name}: ${reply.error ?? reply.status}`)
      // What a flight has just brought is no hit of the store's.
      const isStored = cache === 'HIT' && !/being-stored/.test(String(reply.headers['cache-status']))
      if (isStored && stoodStill(sentAt, rig.leaseMs))
        faults.push(`${path} at ${node.name}: a hit after every lease had run out`)
    }
    const purge = async () => {
      const path = `/page/${random.int(0, PAGES - 1)}`
      const { node } = random.pick(rig.stations)
      const version = rig.origin.bump(path)
      const counted = tally
      const sentAt = performance.now()
      const sent = rig.oracle.purgeSent([path], `purge of version ${version}`, false)
      const body = JSON.stringify({ urls: [path] })
      const reply = await node.client.ask('/admin/cache/invalidate', { method: 'POST', body })
      rig.oracle.purgeAnswered(sent, String(reply.status), reply.status === 200)
      // One that waited until Redis went on is of neither time.
      if (counted === tally) counted.count(`purge ${reply.status}`)
      if (reply.status === 200 && stoodStill(sentAt, 0))
        faults.push(`a purge at ${node.name} answered 200 while Redis stood still`)
    }
    const load = [...Array.from({ length: WORKERS }, worker), purger()]
    await sleep(2000)
    rig.backend.redis!.pause()
    tally = during
    pausedAt = performance.now()
    await sleep(forMs)
    // Counted until here: what is answered from now on may be from Redis again.
    tally = new Tally()
    pausedAt = Infinity
    rig.backend.redis!.resume()
    const healedMs = await hitsAgain(rig)
    going = false
    await Promise.all(load)
    for (const { url, message } of rig.oracle.violations) faults.push(`${url}: ${message}`)
    return { before, during, faults, healedMs }
  } finally {
    going = false
    rig.backend.redis!.resume()
    await rig.stop()
  }
}

function pageOf(i: number): Page {
  const shape = {
    cacheControl: 'max-age=3600',
    tags: [],
    varies: false,
    validates: i % 2 === 0,
    chunked: false,
  }
  return { ...shape, path: `/page/${i}`, size: i % 4 === 0 ? 20_000 : 800 }
}

async function hitsAgain(rig: Rig): Promise<number> {
  const started = performance.now()
  const path = '/healed'
  rig.oracle.watch(path)
  rig.origin.add({ ...pageOf(1), path })
  const hits = new Set<string>()
  while (hits.size < rig.stations.length) {
    if (performance.now() - started > HEALS_WITHIN_MS) throw new Error('no hits again after SIGCONT')
    for (const { node } of rig.stations) {
      const reply = await node.client.ask(path)
      if (String(reply.headers['x-cache']).startsWith('HIT')) hits.add(node.name)
    }
    await sleep(20)
  }
  return performance.now() - started
}
