import { setTimeout as passed } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { NodeRegistry } from '../../src/engine/ports/index.js'
import { connectRedis, disconnectRedis, type RedisClient } from '../../src/stores/redis/client.js'
import { redisHints } from '../../src/stores/redis/hints.js'
import { redisFillLocks } from '../../src/stores/redis/locks.js'
import { redisMetadataStore } from '../../src/stores/redis/metadata.js'
import { redisNodeRegistry } from '../../src/stores/redis/registry.js'
import { sampleKey } from '../support/entries.js'
import { freshNamespace } from '../support/redis-harness.js'
import { startRedis, startRedisCluster, type RedisServer } from '../support/redis-server.js'
import { fillLocksSuite } from './fill-locks.suite.js'
import { nodeRegistrySuite } from './node-registry.suite.js'

let server: RedisServer
let cluster: Awaited<ReturnType<typeof startRedisCluster>>
const clients: Record<string, RedisClient[]> = { redis: [], cluster: [] }

beforeAll(async () => {
  server = await startRedis()
  cluster = await startRedisCluster()
  const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`)
  for (let i = 0; i < 4; i++) {
    clients.redis!.push(await connectRedis({ url: server.url, commandTimeoutMs: 20_000 }))
    clients.cluster!.push(await connectRedis({ cluster: nodes, commandTimeoutMs: 20_000 }))
  }
  // Each test listens anew on the same connections.
  for (const client of Object.values(clients).flat()) client.setMaxListeners(0)
}, 60_000)
afterAll(async () => {
  Object.values(clients).flat().forEach(disconnectRedis)
  await server.stop()
  await cluster.stop()
})

for (const kind of ['redis', 'cluster'] as const) {
  /** Two nodes, each with a connection for commands and one for hints. */
  const nodes = () => {
    const namespace = freshNamespace()
    const [a, b, hintsA, hintsB] = clients[kind]!
    const parts = [[a!, hintsA!], [b!, hintsB!]] as const // prettier-ignore
    return parts.map(([redis, subscriber]) => ({
      redis,
      namespace,
      hints: redisHints(subscriber, namespace),
    }))
  }

  nodeRegistrySuite(kind, async () => {
    const [a, b] = nodes()
    const store = redisMetadataStore(a!)
    return {
      registry: redisNodeRegistry(a!),
      other: redisNodeRegistry(b!),
      raise: () => store.invalidate([]),
      pass: ms => passed(ms),
      cleanup: async () => undefined,
    }
  })

  fillLocksSuite(kind, async () => {
    const [a, b] = nodes()
    return {
      locks: redisFillLocks(a!),
      other: redisFillLocks(b!),
      pass: ms => passed(ms),
      cleanup: async () => undefined,
    }
  })
}

describe('nodes in Redis', () => {
  let registry: NodeRegistry
  let namespace: string
  let redis: RedisClient
  beforeEach(() => {
    namespace = freshNamespace()
    redis = clients.redis![0]!
    registry = redisNodeRegistry({ redis, namespace, hints: redisHints(clients.redis![2]!, namespace) })
  })

  test('a fence that lies behind what a node has seen has lost writes: a new epoch begins', async () => {
    const store = redisMetadataStore({ redis, namespace })
    const fence = await store.invalidate(['m'])
    const renewed = await registry.renew('a', { ...fence, seq: fence.seq + 1 }, 1_000)
    expect(renewed.fence.epoch).not.toBe(fence.epoch)
    expect(renewed.fence.seq).toBe(0)
  })

  test('a list that was lost, or that another server made, is young again', async () => {
    await registry.renew('a', { epoch: '', seq: 0 }, 60_000)
    await passed(30)
    expect((await registry.others('b')).wholeForMs).toBeGreaterThanOrEqual(30)
    const key = `{strata:${namespace}}:n`
    await redis.hset(key, '@', `${'0'.repeat(40)} 1`) // as a replica that took over finds it
    expect(await registry.others('b')).toMatchObject({ wholeForMs: 0, nodes: [{ id: 'a' }] })
    await passed(30)
    await redis.del(key)
    expect(await registry.others('b')).toEqual({ wholeForMs: 0, nodes: [] })
  })

  test('a server that was started again made another list', async () => {
    const own = await startRedis({ persist: true })
    const client = await connectRedis({ url: own.url })
    try {
      const there = redisNodeRegistry({ redis: client, namespace, hints: { listen: () => () => undefined } })
      await there.renew('a', { epoch: '', seq: 0 }, 60_000)
      await passed(50)
      expect((await there.others('b')).wholeForMs).toBeGreaterThanOrEqual(50)
      const ready = new Promise(resolve => client.once('ready', resolve))
      await own.restart()
      await ready
      expect(await there.others('b')).toMatchObject({ wholeForMs: 0, nodes: [{ id: 'a' }] })
    } finally {
      disconnectRedis(client)
      await own.stop()
    }
  })

  test('nodes whose leases are over go; beyond 1,024 live ones none is taken', async () => {
    const seen = { epoch: '', seq: 0 }
    await Promise.all(Array.from({ length: 90 }, (_, i) => registry.renew(`short${i}`, seen, 1)))
    await passed(5)
    await registry.renew('a', seen, 60_000)
    expect(await redis.hlen(`{strata:${namespace}}:n`)).toBeLessThan(90)
    expect((await registry.others('b')).nodes.map(({ id }) => id)).toEqual(['a'])
    expect(await redis.hlen(`{strata:${namespace}}:n`)).toBe(2)
    await Promise.all(Array.from({ length: 1_023 }, (_, i) => registry.renew(`long${i}`, seen, 60_000)))
    await expect(registry.renew('more', seen, 60_000)).rejects.toMatchObject({
      code: 'STRATA_STORE_UNAVAILABLE',
    })
    await registry.renew('a', seen, 60_000)
  })

  test('at most 10,000 names are remembered as uncacheable; those that end first go first', async () => {
    const hints = redisHints(clients.redis![2]!, namespace)
    const locks = redisFillLocks({ redis, namespace, hints })
    const forget = async (n: number) => {
      await locks.tryLock(sampleKey(n), 't', 10_000, 0)
      await locks.unlock(sampleKey(n), 't', 100_000 + n)
    }
    for (let n = 0; n < 10_001; n += 1_000) {
      const many = Array.from({ length: Math.min(1_000, 10_001 - n) }, (_, i) => forget(n + i))
      await Promise.all(many)
    }
    expect(await redis.zcard(`{strata:${namespace}}:u`)).toBe(10_000)
    expect(await locks.tryLock(sampleKey(10_000), 'x', 1, 0)).toEqual({ state: 'uncacheable' })
    expect(await locks.tryLock(sampleKey(0), 'x', 1, 0)).toEqual({ state: 'taken' })
  })
})
