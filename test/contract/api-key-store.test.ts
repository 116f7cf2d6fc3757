import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ApiKeyStore } from '../../src/engine/ports/api-key-store.js'
import { lmdbApiKeyStore } from '../../src/stores/embedded/index.js'
import { memoryApiKeyStore } from '../../src/stores/memory/index.js'
import { redisApiKeyStore } from '../../src/stores/redis/api-keys.js'
import { connectRedis, disconnectRedis, type RedisClient } from '../../src/stores/redis/client.js'
import { memoryViews, redisViews, withEmbeddedViews, type NodeViews } from '../support/node-views.js'
import { startRedis } from '../support/redis-server.js'

let stop: () => Promise<unknown>
let redis: RedisClient
let url: string
beforeAll(async () => {
  const server = await startRedis()
  stop = () => server.stop()
  url = server.url
  redis = await connectRedis({ url })
})
afterAll(async () => {
  disconnectRedis(redis)
  await stop()
})

type Body = (views: NodeViews<ApiKeyStore>) => Promise<void>

const views: Record<string, (body: Body) => Promise<void>> = {
  memory: body => body(memoryViews(memoryApiKeyStore)),
  embedded: body => withEmbeddedViews(path => lmdbApiKeyStore({ path }), body),
  redis: body => body(redisViews(namespace => redisApiKeyStore({ redis, namespace }))),
}

describe.each(Object.keys(views))('ApiKeyStore contract: %s', name => {
  const withViews = views[name]!

  test('what one adds, all of the namespace find, and nobody else', () =>
    withViews(async ({ one, two, other }) => {
      expect(await two.list()).toEqual([])
      expect(await one.add('a', '{"ü":"\\u0000 😀"}', 5)).toBe('added')
      expect(await two.get('a')).toBe('{"ü":"\\u0000 😀"}')
      expect(await two.get('b')).toBeUndefined()
      await one.add('b', 'second', 5)
      expect([...(await two.list())].sort()).toEqual(['second', '{"ü":"\\u0000 😀"}'])
      expect(await other.get('a')).toBeUndefined()
      expect(await other.list()).toEqual([])
    }))

  test('what one removes, nobody finds at the next look', () =>
    withViews(async ({ one, two }) => {
      await one.add('a', 'text', 5)
      expect(await two.get('a')).toBe('text')
      expect(await one.remove('a')).toBe(true)
      expect(await two.get('a')).toBeUndefined()
      expect(await two.list()).toEqual([])
      expect(await two.remove('a')).toBe(false)
    }))

  test('an id is never taken twice', () =>
    withViews(async ({ one, two }) => {
      expect(await one.add('a', 'mine', 5)).toBe('added')
      expect(await two.add('a', 'yours', 5)).toBe('taken')
      expect(await one.get('a')).toBe('mine')
    }))

  test('of many who add at once no more get in than there is room for', () =>
    withViews(async ({ one, two }) => {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : two).add(`id-${i}`, `text-${i}`, 7)),
      )
      expect(results.filter(result => result === 'added')).toHaveLength(7)
      expect(new Set(results)).toEqual(new Set(['added', 'full']))
      expect(await two.list()).toHaveLength(7)
    }))
})

test('what is closed, or down, is said to be so', async () => {
  const path = await mkdtemp(join(tmpdir(), 'strata-api-keys-'))
  const store = lmdbApiKeyStore({ path })
  await store.close()
  await expect(store.get('a')).rejects.toMatchObject({ code: 'STRATA_STORE_UNAVAILABLE' })
  await rm(path, { recursive: true })
  const gone = await connectRedis({ url })
  disconnectRedis(gone)
  const away = redisApiKeyStore({ redis: gone, namespace: 'x' })
  await expect(away.get('a')).rejects.toMatchObject({ code: 'STRATA_STORE_UNAVAILABLE' })
  await expect(away.add('a', 'b', 1)).rejects.toMatchObject({ code: 'STRATA_STORE_UNAVAILABLE' })
})
