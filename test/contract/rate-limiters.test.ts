import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { RateLimiters } from '../../src/engine/ports/rate-limiter.js'
import { boundLimiters } from '../../src/stores/bounded.js'
import { memoryRateLimiters } from '../../src/stores/memory/rate-limiters.js'
import { connectRedis, disconnectRedis, type RedisClient } from '../../src/stores/redis/client.js'
import { redisRateLimiters } from '../../src/stores/redis/rate-limiters.js'
import { eventually } from '../support/in-process-proxy.js'
import { freshNamespace } from '../support/redis-harness.js'
import { startRedis, startRedisCluster } from '../support/redis-server.js'

let stops: (() => unknown)[] = []
let redis: RedisClient
let url: string
let cluster: RedisClient
beforeAll(async () => {
  const server = await startRedis()
  const nodes = await startRedisCluster()
  url = server.url
  redis = await connectRedis({ url })
  cluster = await connectRedis({ cluster: nodes.nodes.map(({ host, port }) => `${host}:${port}`) })
  stops = [
    () => disconnectRedis(redis),
    () => disconnectRedis(cluster),
    () => server.stop(),
    () => nodes.stop(),
  ]
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const settings = { timeoutMs: 2000, breakerFailures: 1, breakerResetMs: 100 }

/** Two nodes' limiters. */
const makers: Record<string, () => [RateLimiters, RateLimiters]> = {
  memory: () => {
    const limiters = memoryRateLimiters()
    const made = new Map<string, ReturnType<RateLimiters>>()
    const shared: RateLimiters = limit => {
      if (!made.has(limit.name)) made.set(limit.name, limiters(limit))
      return made.get(limit.name)!
    }
    return [shared, shared]
  },
  redis: () => twice(redis),
  'redis cluster of 3 primaries': () => twice(cluster),
}

function twice(client: RedisClient): [RateLimiters, RateLimiters] {
  const namespace = freshNamespace()
  const node = () =>
    boundLimiters(redisRateLimiters({ redis: client, namespace }), memoryRateLimiters(), settings)
  return [node(), node()]
}

describe.each(Object.keys(makers))('RateLimiters contract: %s', name => {
  test('counts what all nodes do under a key, and turns away what is too much', async () => {
    const limit = { name: 'a', points: 3, windowSeconds: 60 }
    const [one, two] = makers[name]!().map(make => make(limit)) as [
      ReturnType<RateLimiters>,
      ReturnType<RateLimiters>,
    ]
    expect([await one.take('x'), await two.take('x'), await one.take('x')]).toEqual([0, 0, 0])
    expect(await one.left('x')).toBe(0)
    const wait = await two.take('x')
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(60_000)
    expect(await one.left('x')).toBeGreaterThan(0)
    expect([await one.take('y'), await one.left('z')]).toEqual([0, 0])
  })

  test('a block lasts longer than the window', async () => {
    const [one, two] = makers[name]!().map(make =>
      make({ name: 'b', points: 1, windowSeconds: 5, blockSeconds: 600 }),
    ) as [ReturnType<RateLimiters>, ReturnType<RateLimiters>]
    expect(await one.take('x')).toBe(0)
    expect(await one.take('x')).toBeGreaterThan(5000)
    expect(await two.left('x')).toBeGreaterThan(5000)
  })

  test('a window ends', async () => {
    const [one] = makers[name]!().map(make => make({ name: 'c', points: 1, windowSeconds: 1 })) as [
      ReturnType<RateLimiters>,
    ]
    await one.take('x')
    expect(await one.take('x')).toBeGreaterThan(0)
    await eventually(async () => (await one.left('x')) === 0)
    expect(await one.take('x')).toBe(0)
  })

  test('limits know nothing of each other', async () => {
    const [make] = makers[name]!()
    const [first, second] = ['d', 'e'].map(one => make({ name: one, points: 1, windowSeconds: 60 }))
    await first!.take('x')
    expect(await first!.take('x')).toBeGreaterThan(0)
    expect(await second!.take('x')).toBe(0)
  })
})

test('in memory, of more keys than there is room for the oldest are forgotten', async () => {
  const limiter = memoryRateLimiters(3)({ name: 'a', points: 1, windowSeconds: 600 })
  await limiter.take('first')
  expect(await limiter.take('first')).toBeGreaterThan(0)
  for (const key of ['b', 'c', 'd']) await limiter.take(key)
  expect(await limiter.left('first')).toBe(0)
  expect(await limiter.take('d')).toBeGreaterThan(0)
})

test('a Redis that is away: the process counts by itself', async () => {
  const gone = await connectRedis({ url })
  disconnectRedis(gone)
  const shared = redisRateLimiters({ redis: gone, namespace: 'x' })
  const limiter = boundLimiters(
    shared,
    memoryRateLimiters(),
    settings,
  )({
    name: 'a',
    points: 2,
    windowSeconds: 600,
  })
  expect([await limiter.take('x'), await limiter.take('x')]).toEqual([0, 0])
  expect(await limiter.take('x')).toBeGreaterThan(0)
  expect(await limiter.left('x')).toBeGreaterThan(0)
})
