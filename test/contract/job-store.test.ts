import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { JobStore } from '../../src/engine/ports/job-store.js'
import { lmdbJobStore } from '../../src/stores/embedded/index.js'
import { memoryJobStore } from '../../src/stores/memory/index.js'
import { connectRedis, disconnectRedis, type RedisClient } from '../../src/stores/redis/client.js'
import { redisJobStore } from '../../src/stores/redis/jobs.js'
import { freshNamespace } from '../support/redis-harness.js'
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

/** Two views of one list, as two processes have them; and another namespace's. */
interface Views {
  readonly one: JobStore
  readonly two: JobStore
  readonly other: JobStore
  cleanup(): Promise<void>
}

const views: Record<string, () => Promise<Views>> = {
  memory: async () => {
    const one = memoryJobStore()
    return { one, two: one, other: memoryJobStore(), cleanup: async () => undefined }
  },
  embedded: async () => {
    const path = await mkdtemp(join(tmpdir(), 'strata-jobs-'))
    const [one, two, other] = [join(path, 'a'), join(path, 'a'), join(path, 'b')].map(at =>
      lmdbJobStore({ path: at }),
    )
    return {
      ...{ one: one!, two: two!, other: other! },
      cleanup: async () => {
        for (const store of [one!, two!, other!]) await store.close()
        await rm(path, { recursive: true })
      },
    }
  },
  redis: async () => redisViews(redis),
  'redis cluster of 3 primaries': async () => redisViews(cluster),
}

function redisViews(client: RedisClient): Views {
  const namespace = freshNamespace()
  const view = (name: string) => redisJobStore({ redis: client, namespace: name })
  return {
    one: view(namespace),
    two: view(namespace),
    other: view(freshNamespace()),
    cleanup: async () => undefined,
  }
}

describe.each(Object.keys(views))('JobStore contract: %s', name => {
  const withViews = async (body: (views: Views) => Promise<void>) => {
    const made = await views[name]!()
    try {
      await body(made)
    } finally {
      await made.cleanup()
    }
  }

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
