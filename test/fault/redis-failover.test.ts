import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { connectRedis, disconnectRedis, type RedisClient } from '../../src/stores/redis/client.js'
import { redisMetadataStore } from '../../src/stores/redis/metadata.js'
import { redisNodeRegistry } from '../../src/stores/redis/registry.js'
import type { MetadataStore } from '../../src/engine/ports/index.js'
import { storeEntry } from '../support/entries.js'
import { startRedisPair, type RedisPair } from './rig/redis-pair.js'
import { startRig } from './rig/rig.js'

/** A replica takes over that lacks the primary's last writes, purges that had been acknowledged among them. */

describe('the store', () => {
  const namespace = 'failover'
  let pair: RedisPair
  let clients: RedisClient[]

  beforeEach(async () => {
    pair = await startRedisPair()
    clients = []
  })
  afterEach(async () => {
    clients.forEach(disconnectRedis)
    await pair.stop()
  })

  async function open(): Promise<{ store: MetadataStore; redis: RedisClient }> {
    const redis = await connectRedis({ url: pair.url, commandTimeoutMs: 5000, connectTimeoutMs: 5000 })
    clients.push(redis)
    return { store: redisMetadataStore({ redis, namespace }), redis }
  }

  /** As soon as the connection is back. */
  async function again<T>(ask: () => T | Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask()
      } catch {
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
  }

  /** An entry that both have, a purge that only the primary has, and the replica in its place. */
  async function losingPurge() {
    const { store, redis } = await open()
    await store.invalidate(['before'])
    const { entry } = await storeEntry(store)
    await pair.replicated()
    pair.holdReplication()
    const purged = await store.invalidate(['lost'])
    await pair.failOver()
    return { store, redis, entry, purged }
  }

  test('it has lost a purge: who knew of it finds a new epoch, and so does everybody after', async () => {
    const { store, entry, purged } = await losingPurge()
    const { entries, fence } = await again(() => store.lookup(entry.key))
    expect(fence.epoch).not.toBe(purged.epoch)
    expect(entries.every(({ stamp }) => stamp.epoch !== fence.epoch)).toBe(true)
    expect((await (await open()).store.lookup(entry.key)).fence).toEqual(fence)
  })

  test('another node has purged since, and the counter is past what was seen before: a new epoch all the same', async () => {
    const { store, entry, purged } = await losingPurge()
    const late = await open()
    const next = await late.store.invalidate(['next'])
    await late.store.invalidate(['next but one'])
    // Its number is not that of the one that was lost.
    expect(next.seq).toBeGreaterThan(purged.seq)
    expect(next.epoch).toBe(purged.epoch)
    const { fence } = await again(() => store.lookup(entry.key))
    expect(fence.epoch).not.toBe(purged.epoch)
    expect((await late.store.marksAfter(0, 10)).marks).toEqual([])
  })

  test('a node that asks for nothing but its lease finds it, too', async () => {
    const { redis, purged } = await losingPurge()
    await (await open()).store.invalidate(['next'])
    const hints = { listen: () => () => undefined }
    const registry = redisNodeRegistry({ redis, namespace, hints: hints as never })
    const { fence } = await again(() => registry.renew('node', purged, 1000))
    expect(fence.epoch).not.toBe(purged.epoch)
  })

  test('it has lost nothing: the epoch and the entries stay, before and after the next purge', async () => {
    const { store } = await open()
    await store.invalidate(['before'])
    const { entry } = await storeEntry(store)
    const { fence } = await store.lookup(entry.key)
    await pair.replicated()
    await pair.failOver()
    expect(await again(() => store.lookup(entry.key))).toEqual({ entries: [entry], fence })
    const next = await store.invalidate(['next'])
    expect(next.epoch).toBe(fence.epoch)
    expect(await store.lookup(entry.key)).toEqual({ entries: [entry], fence: next })
    expect((await store.marksAfter(0, 10)).marks.map(({ mark }) => mark)).toEqual(['before', 'next'])
  })
})

test('whole nodes: what was purged before a failover that lost the purge is not served after it', async () => {
  const rig = await startRig({ backend: 'redis-pair', nodes: 2 })
  try {
    const pair = rig.backend.redis as RedisPair
    const path = '/page'
    const page = { path, cacheControl: 'max-age=600', size: 500, tags: [] }
    rig.oracle.watch(path)
    rig.origin.add({ ...page, varies: false, validates: true, chunked: false })
    const [one, two] = rig.stations as [(typeof rig.stations)[0], (typeof rig.stations)[0]]
    const ask = async ({ node }: typeof one) => {
      const expected = rig.oracle.requestSent(path, node.name, 'none')
      const reply = await node.client.ask(path)
      rig.oracle.answered(expected, reply)
      return String(reply.headers['x-cache'])
    }
    const hits = async (station: typeof one) => {
      while (!(await ask(station)).startsWith('HIT')) await new Promise(r => setTimeout(r, 20))
    }
    await hits(one)
    await hits(two)
    await pair.replicated()
    pair.holdReplication()
    const version = rig.origin.bump(path)
    const sent = rig.oracle.purgeSent([path], `purge of version ${version}`, false)
    const body = JSON.stringify({ urls: [path] })
    const { status } = await one.node.client.ask('/admin/cache/invalidate', { method: 'POST', body })
    rig.oracle.purgeAnswered(sent, String(status), status === 200)
    expect(status).toBe(200)
    await pair.failOver()
    await ask(one)
    await ask(two)
    await hits(one)
    await hits(two)
    expect(rig.oracle.violations).toEqual([])
  } finally {
    await rig.stop()
  }
}, 120_000)
