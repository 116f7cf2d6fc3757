import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import type { Entry } from '../../src/engine/ports/index.js'
import { connectRedis, disconnectRedis, type RedisClient } from '../../src/stores/redis/client.js'
import { redisMetadataStore } from '../../src/stores/redis/metadata.js'
import { sampleBody, sampleKey, T0 } from '../support/entries.js'
import { startRedis } from '../support/redis-server.js'

const ENTRIES = 100_000
const MOST = 700

/** As tile servers answer: a URL of 100 characters, 5 fields, 2 tags, a body of its own. */
function tile(n: number, epoch: string): Entry {
  const path = `${n % 19}/${n}/${n * 7}.png?apikey=${createHash('md5').update(String(n)).digest('hex')}`
  const time = T0 + n * 37
  return {
    key: sampleKey(n),
    variant: '',
    method: 'GET',
    status: 200,
    reason: 'OK',
    fields: [
      ...['Content-Type', 'image/png', 'Cache-Control', 'public, max-age=86400, stale-while-revalidate=600'],
      ...['ETag', `"${createHash('md5').update(`etag ${n}`).digest('hex')}"`],
      ...['Last-Modified', new Date(Math.trunc((T0 - n * 1_000_003) / 1000) * 1000).toUTCString()],
      ...['Date', new Date(Math.trunc(time / 1000) * 1000).toUTCString()],
    ],
    requestTime: time,
    responseTime: time + 143,
    selecting: [],
    url: `https://tiles.example.com/styles/roads/${path}`.padEnd(100, 'x').slice(0, 100),
    stamp: { epoch, seq: 1234 },
    tags: ['layer:roads', `zoom:${n % 19}`],
    body: { ...sampleBody(`tile ${n}`), size: 4_000 + (n % 20_000) },
    uselessAt: time + 7 * 86_400_000,
  }
}

async function usedMemory(redis: RedisClient): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1])
}

test(`at most ${MOST} bytes of Redis memory for each of ${ENTRIES} entries`, async () => {
  const server = await startRedis()
  const redis = await connectRedis({ url: server.url, commandTimeoutMs: 30_000 })
  try {
    const store = redisMetadataStore({ redis, namespace: 'default' })
    for (let i = 0; i < 1_234; i++) await store.invalidate([])
    const { fence } = await store.lookup(sampleKey(0))
    const before = await usedMemory(redis)
    for (let n = 0; n < ENTRIES; n += 250) {
      await Promise.all(
        Array.from({ length: 250 }, async (_, i) => {
          const entry = tile(n + i, fence.epoch)
          await store.reserveBody(entry.body.id, T0 + n * 37 + 300_000)
          expect(await store.commit(entry, { checked: fence, maxVariants: 10 })).toEqual({ ok: true })
        }),
      )
    }
    expect(await store.usage()).toMatchObject({ entries: ENTRIES, bodies: ENTRIES })
    expect((await store.lookup(sampleKey(77))).entries).toEqual([tile(77, fence.epoch)])
    const each = ((await usedMemory(redis)) - before) / ENTRIES
    process.stdout.write(`redis memory: ${each.toFixed(0)} bytes for each entry\n`)
    expect(each).toBeLessThanOrEqual(MOST)
  } finally {
    disconnectRedis(redis)
    await server.stop()
  }
}, 180_000)
