import { Agent, request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { startBackend, type TestBackend } from '../support/backends.js'
import { serveStrata, type ServingStrata } from '../support/strata-cli.js'
import { startVersionedOrigin, type VersionedOrigin } from '../support/versioned-origin.js'

/** Nodes as real processes on one Redis: one origin request for all of them, and no old answer from any after a purge (P1, P6). */

let backend: TestBackend
let origin: VersionedOrigin
let nodes: ServingStrata[]
let agent: Agent
let redis: Redis

beforeEach(() => {
  nodes = []
  agent = new Agent({ keepAlive: true })
})
afterEach(async () => {
  agent.destroy()
  redis?.disconnect()
  for (const { child } of nodes) child.kill('SIGKILL')
  await Promise.all(nodes.map(({ ended }) => ended))
  await origin.stop()
  await backend.stop()
})

/** Patient: on a busy machine a slow reply is no failure of the store. */
const PATIENT = { STRATA_TIERS_TIMEOUT_MS: '5000', STRATA_LIMITS_REMOTE_WAIT_MS: '60000' }

async function start(
  name: 'redis' | 's3-redis',
  env: Record<string, string> = {},
  originOptions?: { delayMs?: number },
): Promise<void> {
  backend = await startBackend(name)
  origin = await startVersionedOrigin(originOptions)
  redis = new Redis(backend.redis!.url)
  redis.on('error', () => undefined) // a paused Redis is what some tests are about
  const settings = { ...backend.env, ...PATIENT, ...env }
  nodes = await Promise.all([1, 2, 3].map(() => serveStrata(['--origin', origin.url], settings)))
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly xCache: string
}

function get(node: ServingStrata, path = '/a'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(`${node.base}${path}`, { agent }, res => {
      let body = ''
      res.setEncoding('utf8').on('data', (text: string) => (body += text))
      res.on('end', () => resolve({ status: res.statusCode!, body, xCache: String(res.headers['x-cache']) }))
      res.on('error', reject)
    })
    req.on('error', reject).end()
  })
}

interface Purged {
  readonly status: number
  readonly effective?: boolean
  readonly pending?: readonly string[]
}

async function purge(node: ServingStrata): Promise<Purged> {
  const response = await fetch(`${node.base}/admin/cache/invalidate`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ patterns: ['/**'] }),
  })
  return { status: response.status, ...((await response.json()) as object) }
}

async function memoryKeys(node: ServingStrata): Promise<number> {
  const response = await fetch(`${node.base}/admin/cache/status`)
  return ((await response.json()) as { tiers: { memory: { keys: number } } }).tiers.memory.keys
}

/** Asks again and again until it is so; the test's own time limit ends a wait in vain. */
async function until(is: () => Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise(resolve => setTimeout(resolve, 10))
}

/** The entry is in the memory of each of these nodes. */
async function warm(some: readonly ServingStrata[]): Promise<void> {
  for (const node of some) {
    await until(async () => (await get(node)).xCache.startsWith('HIT') && (await memoryKeys(node)) > 0)
  }
}

/** As if the list of nodes were old: a young one makes purges wait for nodes that it may lack. */
async function ageList(): Promise<void> {
  const key = '{strata:default}:n'
  const [run] = (await redis.hget(key, '@'))!.split(' ')
  await redis.hset(key, '@', `${run} 1`)
}

const crowd = Array.from({ length: 200 }, (_, i) => i)

describe.each(['redis', 's3-redis'] as const)('one flight among nodes: %s', name => {
  test('200 requests at once on each of 3 nodes for one cold key: one origin request', async () => {
    await start(name, {}, { delayMs: 500 })
    const answers = await Promise.all(nodes.flatMap(node => crowd.map(() => get(node))))
    expect(answers).toHaveLength(600)
    expect(answers.filter(({ status, body }) => status !== 200 || body !== 'version 1')).toEqual([])
    expect(origin.requests).toBe(1)
  })

  test.each(['nothing', 'head'] as const)(
    'the leading node is killed in mid-flight (%s has come): at most 3 origin requests, everyone else is answered',
    async sent => {
      await start(name)
      const release = origin.hold(sent)
      const lost = crowd.map(() => get(nodes[0]!).catch(() => undefined))
      await origin.asked(1)
      const waiting = nodes.slice(1).flatMap(node => crowd.map(() => get(node)))
      // The others have found the lock taken.
      await until(async () => {
        const [lock] = await redis.keysBuffer('{strata:default}:l:*')
        return lock !== undefined && (await redis.get(lock))?.startsWith('W') === true
      })
      nodes[0]!.child.kill('SIGKILL')
      await nodes[0]!.ended
      await Promise.all(lost)
      release()
      const answers = await Promise.all(waiting)
      expect(answers.filter(({ status, body }) => status !== 200 || body !== 'version 1')).toEqual([])
      expect(origin.requests).toBeLessThanOrEqual(3)
      expect(origin.requests).toBeGreaterThan(1)
    },
  )

  test('what is not for sharing holds nobody up: all nodes ask for themselves, at once', async () => {
    await start(name)
    origin.cacheControl = 'private'
    const release = origin.hold('head')
    const first = get(nodes[0]!)
    await origin.asked(1)
    // The head of the first is out, its body is not: whoever comes now, on any node, goes to the origin.
    const others = nodes.slice(1).map(node => get(node))
    await origin.asked(3)
    release()
    expect((await Promise.all([first, ...others])).map(({ status }) => status)).toEqual([200, 200, 200])
  })
})

describe('a switch, and no store', () => {
  test('coalesceAcrossNodes: false: each node asks for itself', async () => {
    await start('redis', { STRATA_DEFAULTS_COALESCE_ACROSS_NODES: 'false' })
    const release = origin.hold()
    const answers = nodes.flatMap(node => crowd.map(() => get(node)))
    await origin.asked(3)
    release()
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200)
    expect(origin.requests).toBe(3)
  })

  test('Redis stands still: those who came before a flight began share it, those who came later do not (P1, P6)', async () => {
    await start('redis', { STRATA_TIERS_TIMEOUT_MS: '150', STRATA_TIERS_BREAKER_RESET_MS: '600000' })
    const [node] = nodes as [ServingStrata]
    backend.redis!.pause()
    const open = async () => {
      const { checks } = (await (await fetch(`${node.base}/ready`)).json()) as {
        checks: { metadata: { ok: boolean } }
      }
      return !checks.metadata.ok
    }
    await until(async () => (await get(node, '/other')).status === 200 && (await open()))
    const before = origin.requests
    const release = origin.hold()
    const first = get(node)
    await origin.asked(before + 1)
    origin.version++
    const later = crowd.map(() => get(node))
    await origin.asked(before + 2)
    release()
    expect((await first).body).toBe('version 1')
    for (const { status, body } of await Promise.all(later))
      expect([status, body]).toEqual([200, 'version 2'])
    expect(origin.requests - before).toBeLessThan(20)
  })
})

describe('purges among nodes', () => {
  const LONG = { STRATA_TIERS_LEASE_MS: '60000', STRATA_TIERS_SETTLE_MS: '60000' }

  test('with leases that outlast the test a purge is answered, and no node serves the old one after it', async () => {
    await start('redis', LONG)
    await ageList()
    for (let round = 1; round <= 25; round++) {
      await warm(nodes)
      origin.version++
      const by = nodes[round % nodes.length]!
      expect(await purge(by)).toMatchObject({ status: 200, effective: true, pending: [] })
      const answers = await Promise.all(nodes.map(node => get(node)))
      expect(answers.map(({ body }) => body)).toEqual(nodes.map(() => `version ${origin.version}`))
    }
  })

  test('a node that is alone answers at once', async () => {
    await start('redis', LONG)
    await ageList()
    for (const node of nodes.splice(1)) {
      node.child.kill('SIGTERM')
      expect(await node.ended).toBe(0)
    }
    await warm(nodes)
    origin.version++
    expect(await purge(nodes[0]!)).toMatchObject({ status: 200, effective: true })
    expect((await get(nodes[0]!)).body).toBe('version 2')
  })

  test('a node stands still: its lease runs out, then 200; when it goes on, it serves nothing old', async () => {
    await start('redis', { STRATA_TIERS_LEASE_MS: '1500' })
    await warm(nodes)
    const [a, b, still] = nodes as [ServingStrata, ServingStrata, ServingStrata]
    still.child.kill('SIGSTOP')
    origin.version++
    expect(await purge(a)).toMatchObject({ status: 200, effective: true, pending: [] })
    expect((await get(b)).body).toBe('version 2')
    // Sent after the 200, and the first thing that it finds when it goes on.
    const found = Promise.all(crowd.map(() => get(still)))
    still.child.kill('SIGCONT')
    for (const { status, body } of await found) expect([status, body]).toEqual([200, 'version 2'])
  })

  test('a node stands still longer than the purge may wait: 202 with its name, and 200 once it goes on', async () => {
    await start('redis', { STRATA_TIERS_LEASE_MS: '60000', STRATA_TIERS_SETTLE_MS: '300' })
    await ageList()
    await warm(nodes)
    const [a, , still] = nodes as [ServingStrata, ServingStrata, ServingStrata]
    still.child.kill('SIGSTOP')
    origin.version++
    const purged = await purge(a)
    expect(purged).toMatchObject({ status: 202, effective: false })
    expect(purged.pending).toEqual([expect.stringContaining(`:${still.child.pid}:`)])
    still.child.kill('SIGCONT')
    await until(async () => (await get(still)).body === 'version 2')
    await until(async () => (await purge(a)).status === 200)
  })

  test('a node is killed: purges wait for its lease, and for nothing after it', async () => {
    await start('redis', { STRATA_TIERS_LEASE_MS: '1500' })
    await warm(nodes)
    const [a, b, killed] = nodes as [ServingStrata, ServingStrata, ServingStrata]
    killed.child.kill('SIGKILL')
    await killed.ended
    for (let round = 0; round < 3; round++) {
      origin.version++
      expect(await purge(a)).toMatchObject({ status: 200, pending: [] })
      expect((await get(b)).body).toBe(`version ${origin.version}`)
    }
  })

  test('Redis stands still: purges are refused, memory stops, and all heals', async () => {
    await start('redis', {
      STRATA_TIERS_LEASE_MS: '1000',
      STRATA_TIERS_TIMEOUT_MS: '150',
      STRATA_TIERS_BREAKER_RESET_MS: '200',
      STRATA_REDIS_COMMAND_TIMEOUT_MS: '500',
    })
    await warm(nodes)
    backend.redis!.pause()
    origin.version++
    expect((await purge(nodes[0]!)).status).toBe(503)
    // No purge could be acknowledged; all the same memory is not used once the lease is over.
    for (const node of nodes) await until(async () => (await get(node)).body === 'version 2')
    const before = origin.requests
    for (const node of nodes) expect(await get(node)).toMatchObject({ status: 200, body: 'version 2' })
    expect(origin.requests).toBe(before + nodes.length)
    backend.redis!.resume()
    await until(async () => (await purge(nodes[0]!)).status === 200)
    for (const node of nodes) expect((await get(node)).body).toBe('version 2')
    await warm(nodes)
  })

  test('Redis loses all: purges answer 200 only when no lease from before can hold', async () => {
    await start('redis', { STRATA_TIERS_LEASE_MS: '1500', STRATA_TIERS_SETTLE_MS: '100' })
    await until(async () => (await purge(nodes[0]!)).status === 200)
    await warm(nodes)
    await redis.flushall()
    origin.version++
    // The nodes that the list lacks are told as what they are: unknown.
    const purged = await purge(nodes[0]!)
    expect(purged).toMatchObject({ status: 202, effective: false })
    expect(purged.pending).toContain('unknown')
    await until(async () => (await purge(nodes[0]!)).status === 200)
    const answers = await Promise.all(nodes.map(node => get(node)))
    expect(answers.map(({ body }) => body)).toEqual(nodes.map(() => 'version 2'))
  })
})
