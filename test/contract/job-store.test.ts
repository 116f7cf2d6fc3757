import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { JobStore } from '../../src/engine/ports/job-store.js'
import { lmdbJobStore } from '../../src/stores/embedded/index.js'
import { memoryJobStore } from '../../src/stores/memory/index.js'
import { connectRedis, disconnectRedis, type RedisClient } from '../../src/stores/redis/client.js'
import { redisJobStore } from '../../src/stores/redis/jobs.js'
import { memoryViews, redisViews, withEmbeddedViews, type NodeViews } from '../support/node-views.js'
import { startRedis, startRedisCluster } from '../support/redis-server.js'

let stops: (() => Promise<unknown>)[] = []
let redis: RedisClient
let cluster: RedisClient
beforeAll(async () => {
  const server = await startRedis()
  const nodes = await startRedisCluster()
  redis = await connectRedis({ url: server.url })
  cluster = await connectRedis({ cluster: nodes.nodes.map(({ host, port }) => `${host}:${port}`) })
  stops = [
    async () => disconnectRedis(redis),
    async () => disconnectRedis(cluster),
    () => server.stop(),
    () => nodes.stop(),
  ]
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

type Body = (views: NodeViews<JobStore>) => Promise<void>

const views: Record<string, (body: Body) => Promise<void>> = {
  memory: body => body(memoryViews(memoryJobStore)),
  embedded: body => withEmbeddedViews(path => lmdbJobStore({ path }), body),
  redis: body => body(redisViews(namespace => redisJobStore({ redis, namespace }))),
  'redis cluster of 3 primaries': body =>
    body(redisViews(namespace => redisJobStore({ redis: cluster, namespace }))),
}

describe.each(Object.keys(views))('JobStore contract: %s', name => {
  const withViews = views[name]!

  test('is empty at first, and keeps what is written, for all who look', () =>
    withViews(async ({ one, two, other }) => {
      expect(await one.read()).toBe('')
      expect(await one.swap('', '{"ü":"\\u0000 😀"}')).toBe(true)
      expect(await two.read()).toBe('{"ü":"\\u0000 😀"}')
      expect(await other.read()).toBe('')
    }))

  test('changes nothing when the text is another one', () =>
    withViews(async ({ one, two }) => {
      expect(await one.swap('not that', 'x')).toBe(false)
      expect(await one.swap('', 'a')).toBe(true)
      expect(await two.swap('', 'b')).toBe(false)
      expect(await two.swap('a', 'b')).toBe(true)
      expect(await one.swap('a', 'c')).toBe(false)
      expect(await one.read()).toBe('b')
    }))

  test('of many who count at once none is lost', () =>
    withViews(async ({ one, two }) => {
      const add = async (store: JobStore) => {
        for (;;) {
          const before = await store.read()
          if (await store.swap(before, String(Number(before) + 1))) return
        }
      }
      await Promise.all(Array.from({ length: 20 }, (_, i) => add(i % 2 === 0 ? one : two)))
      expect(await one.read()).toBe('20')
    }))

  test('holds a long text', () =>
    withViews(async ({ one, two }) => {
      const long = 'x'.repeat(200_000)
      expect(await one.swap('', long)).toBe(true)
      expect(await two.swap(long, `${long}y`)).toBe(true)
      expect((await one.read()).length).toBe(200_001)
    }))

  test('keeps papers by name, apart from the list, until they are taken away', () =>
    withViews(async ({ one, two, other }) => {
      const long = 'ü\n'.repeat(400_000)
      expect(await one.paper('a')).toBe('')
      await one.putPaper('a', long)
      await one.putPaper('b', 'short')
      expect(await two.paper('a')).toBe(long)
      expect(await other.paper('a')).toBe('')
      expect(await one.read()).toBe('')
      await two.putPaper('a', '')
      expect(await one.paper('a')).toBe('')
      expect(await one.paper('b')).toBe('short')
    }))
})
