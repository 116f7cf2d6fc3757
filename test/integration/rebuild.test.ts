import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import express from 'express'
import { Redis } from 'ioredis'
import request from 'supertest'
import type { Strata } from '../../src/compose.js'
import type { StrataOptions } from '../../src/index.js'
import { startBackend, type TestBackend } from '../support/backends.js'
import { startTcpProxy } from '../fault/rig/tcp-proxy.js'
import { closeAll, gate, listen, onClose, openStrata, until } from '../support/mounted-strata.js'
import { done } from '../support/done-job.js'

afterEach(closeAll)

/** Redis loses everything, the bodies in S3 are still there (real redis-server, S3 endpoint). */
describe('rebuild after a flush of Redis', () => {
  let backend: TestBackend
  let redis: Redis
  let origin: { asked: string[]; hold: (path: string) => Promise<void> | undefined }
  beforeEach(async () => {
    backend = await startBackend('s3-redis')
    onClose(() => backend.stop())
    redis = new Redis(backend.redis!.url)
    onClose(() => redis.disconnect())
    origin = { asked: [], hold: () => undefined }
  })

  async function site(options: StrataOptions = {}): Promise<{ strata: Strata; get: typeof get }> {
    const strata = await openStrata({
      ...backend.options,
      // What is in memory would hide what the stores do.
      memory: { maxBytes: 0 },
      defaults: { ttl: 600 },
      limits: { smallBodyBytes: 1000 },
      sweep: { bodyGraceMs: 0, intervalMs: 0 },
      ...options,
    })
    const app = express()
    app.use(strata.middleware())
    app.use(async (req, res) => {
      origin.asked.push(req.url)
      res.set({ Vary: 'X-Variant', 'Content-Type': 'text/plain' })
      const size = req.url.startsWith('/large') ? 300_000 : 50
      const text = `${req.url} ${req.get('X-Variant') ?? ''} ${origin.asked.length}`.padEnd(size, '.')
      res.write(text.slice(0, 20))
      await origin.hold(req.url)
      res.end(text.slice(20))
    })
    const base = `http://127.0.0.1:${await listen(app)}`
    const get = async (path: string, variant = 'a') => {
      const { headers, text } = await request(base)
        .get(path)
        .set('Host', 'site.example')
        .set('X-Variant', variant)
      return { cache: headers['x-cache']!.split(' ')[0]!, text }
    }
    return { strata, get }
  }

  const stored = (strata: Strata, entries: number) =>
    until(`${entries} are stored`, async () => (await strata.operator.status()).entries === entries)

  /** Bodies in the bucket. */
  async function bodies(): Promise<string[]> {
    const { endpoint, bucket, region, accessKey, secretKey, prefix } = backend.s3!
    const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey }
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
    try {
      const { Contents = [] } = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }),
      )
      const keys = Contents.map(({ Key }) => Key!)
      return keys.filter(key => !key.includes('/_purged/'))
    } finally {
      client.destroy()
    }
  }

  test('every entry is there again, small, large and each variant, and is a hit; nothing is fetched for it', async () => {
    const { strata, get } = await site()
    const asked = [
      ['/small', 'a'],
      ['/small', 'b'],
      ['/large', 'a'],
    ] as const
    const texts = []
    for (const [path, variant] of asked) texts.push((await get(path, variant)).text)
    await stored(strata, 3)
    await redis.flushall()
    expect((await strata.operator.status()).entries).toBe(0)
    const dry = await done(
      strata.operator,
      strata.operator.reconcile({ rebuild: true, dryRun: true, graceMs: 0 }),
    )
    expect(dry).toMatchObject({ state: 'done', rebuilt: 3, bodies: 0 })
    expect((await strata.operator.status()).entries).toBe(0)

    const job = await done(strata.operator, strata.operator.reconcile({ rebuild: true, graceMs: 0 }))
    expect(job).toMatchObject({ state: 'done', rebuilt: 3, bodies: 0, removed: 0 })
    const before = origin.asked.length
    for (const [i, [path, variant]] of asked.entries())
      expect(await get(path, variant)).toEqual({ cache: 'HIT', text: texts[i] })
    expect(origin.asked).toHaveLength(before)
    // The ledger knows them as before: another turn changes nothing.
    const again = await done(strata.operator, strata.operator.reconcile({ rebuild: true, graceMs: 0 }))
    expect(again).toMatchObject({ state: 'done', rebuilt: 0, bodies: 0, removed: 0 })
    expect(await strata.operator.status()).toMatchObject({ entries: 3, bodies: 3 })
  })

  test.each([
    [{ urls: ['http://site.example/purged'] }],
    [{ all: true as const }],
    [{ tags: ['some-other'], soft: true }],
  ])(
    'a purge before the loss (%j) is not undone: nothing that was fetched before it comes back',
    async what => {
      // As if no sweep had come to delete the bodies: a node that dies right after the purge.
      const { strata, get } = await site({ sweep: { bodyGraceMs: 45_000, intervalMs: 0 } })
      await get('/purged')
      await get('/other')
      await stored(strata, 2)
      expect(await strata.operator.invalidate(what)).toMatchObject({ effective: true })
      await redis.flushall()
      expect(await bodies()).toHaveLength(2)
      const job = await done(strata.operator, strata.operator.reconcile({ rebuild: true, graceMs: 0 }))
      expect(job).toMatchObject({ state: 'done', rebuilt: 0, bodies: 2 })
      expect((await get('/purged')).cache).toBe('MISS')
      expect((await get('/other')).cache).toBe('MISS')
    },
  )

  test('a purge after the loss, before the rebuild, holds as well', async () => {
    const { strata, get } = await site()
    await get('/page')
    await stored(strata, 1)
    await redis.flushall()
    expect(await strata.operator.invalidate({ prefix: '/pa' })).toMatchObject({ effective: true })
    expect(
      await done(strata.operator, strata.operator.reconcile({ rebuild: true, graceMs: 0 })),
    ).toMatchObject({
      rebuilt: 0,
      bodies: 1,
    })
    expect((await get('/page')).cache).toBe('MISS')
  })

  test('a fill that runs meanwhile: what it brings stays, and what it has written is no stray', async () => {
    const { strata, get } = await site()
    await get('/page')
    await stored(strata, 1)
    await redis.flushall()
    const held = gate()
    origin.hold = path => (path === '/large' || path === '/page' ? held.opened : undefined)
    const fills = [get('/page'), get('/large')]
    await until('both are at the origin', () => origin.asked.length === 3)
    // Its body of before is found, and its entry made, while the new one is on its way.
    expect(await done(strata.operator, strata.operator.reconcile({ rebuild: true }))).toMatchObject({
      state: 'done',
      rebuilt: 1,
    })
    held.open()
    const [page] = await Promise.all(fills)
    await stored(strata, 2)
    await until('the newer one is served', async () => (await get('/page')).text === page!.text)
    expect(
      await done(strata.operator, strata.operator.reconcile({ rebuild: true, graceMs: 0 })),
    ).toMatchObject({ state: 'done' })
    expect((await get('/page')).text).toBe(page!.text)
    expect((await get('/large')).cache).toBe('HIT')
  })

  test('what has nothing beside it is a stray and goes; with s3.notes off that is all, and the rebuild says so', async () => {
    const { strata, get } = await site({ s3: { ...backend.options.s3, notes: false } })
    await get('/page')
    await stored(strata, 1)
    await redis.flushall()
    const refused = await done(strata.operator, strata.operator.reconcile({ rebuild: true, graceMs: 0 }))
    expect(refused).toMatchObject({ state: 'failed', error: expect.stringContaining('s3.notes') })
    expect(await bodies()).toHaveLength(1)
    const other = await site()
    const job = await done(
      other.strata.operator,
      other.strata.operator.reconcile({ rebuild: true, graceMs: 0 }),
    )
    expect(job).toMatchObject({ state: 'done', rebuilt: 0, bodies: 1 })
    await until('it is gone', async () => (await bodies()).length === 0)
  })

  test('S3 takes no note of a purge: it holds, but says what is pending', async () => {
    const { hostname: host, port } = new URL(backend.s3!.endpoint)
    const link = await startTcpProxy({ host, port: Number(port) })
    onClose(() => link.stop())
    const s3 = { ...backend.options.s3, endpoint: `http://127.0.0.1:${link.port}` }
    const { strata, get } = await site({ s3, tiers: { ...backend.options.tiers, breakerResetMs: 100 } })
    await get('/page')
    await stored(strata, 1)
    link.set({ refuse: true })
    link.reset()
    const purged = await strata.operator.invalidate({ all: true })
    expect(purged).toMatchObject({ effective: false, pending: ['s3'] })
    expect((await get('/page')).cache).toBe('MISS')
    // It is noted as soon as S3 is back; then the next one holds in every respect.
    link.set({})
    await until('S3 is used again', async () => {
      const next = await strata.operator.invalidate({ all: true })
      return 'effective' in next && next.effective
    })
  })
})
