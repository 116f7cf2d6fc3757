import { describe, expect, test } from '@jest/globals'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { head, startByteOrigin } from '../../support/byte-origin.js'
import { eventually } from '../../support/in-process-proxy.js'
import { rawRequest } from '../../support/raw-client.js'
import { startRedis } from '../../support/redis-server.js'
import { startS3 } from '../../support/s3-server.js'
import { serveStrata } from '../../support/strata-cli.js'
import { closeLater } from './proxied.js'

/** P5: a store that is down is a cache that misses, and one that comes up is used without a restart. */

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function origin() {
  let n = 0
  const one = await startByteOrigin(({ socket }) => {
    const body = `answer ${++n}`
    socket.write(head(200, 'Cache-Control: max-age=3600', `Content-Length: ${body.length}`) + body)
  })
  closeLater(() => one.stop())
  return one
}

async function start(url: string, env: Record<string, string>) {
  const strata = await serveStrata(['--origin', url], env)
  closeLater(async () => {
    strata.child.kill('SIGKILL')
    await strata.ended
  })
  const get = (target: string) => rawRequest({ port: strata.port, target })
  const json = async (target: string) => {
    const got = await get(target)
    return { status: got.status, body: JSON.parse(got.body.toString()) as Record<string, unknown> }
  }
  return { strata, get, json }
}

describe('Redis is down at start', () => {
  test('served uncached, the log and /ready say so; caching begins once it is up', async () => {
    const port = await freePort()
    const { url, requests } = await origin()
    const { strata, get, json } = await start(url, {
      STRATA_BACKEND: 'redis',
      STRATA_REDIS_URL: `redis://127.0.0.1:${port}`,
    })
    for (let i = 1; i <= 3; i++) {
      const got = await get('/a')
      expect(got.body.toString()).toBe(`answer ${i}`)
      expect(got.field('X-Cache')).toBe('MISS')
    }
    expect(requests).toHaveLength(3)
    const lines = strata.lines.map(line => JSON.parse(line) as { what?: string; backend?: string })
    expect(
      lines.some(({ what, backend }) => what === 'store-unavailable-at-start' && backend === 'redis'),
    ).toBe(true)
    const ready = await json('/ready')
    expect(ready.status).toBe(503)
    expect(ready.body).toMatchObject({
      checks: { metadata: { ok: false, reason: expect.stringMatching(/./) as unknown } },
    })
    expect((await json('/health')).status).toBe(200)

    const redis = await startRedis({ port })
    closeLater(() => redis.stop())
    await eventually(async () => (await get('/a')).field('X-Cache') === 'HIT')
    await eventually(async () => (await json('/ready')).status === 200)
    expect(strata.child.exitCode).toBeNull()
  })
})

describe('S3 is down at start', () => {
  test('served uncached, /ready says so; caching begins once it is up', async () => {
    const port = await freePort()
    const redis = await startRedis()
    closeLater(() => redis.stop())
    const { url } = await origin()
    const { get, json } = await start(url, {
      STRATA_BACKEND: 's3-redis',
      STRATA_REDIS_URL: redis.url,
      STRATA_S3_ENDPOINT: `http://127.0.0.1:${port}`,
      STRATA_S3_BUCKET: 'strata-test',
      STRATA_S3_ACCESS_KEY_ID: 'S3RVER',
      STRATA_S3_SECRET_ACCESS_KEY: 'S3RVER',
      // Else what is in memory would hide that nothing is stored.
      STRATA_MEMORY_MAX_BYTES: '0',
    })
    for (let i = 1; i <= 3; i++) {
      const got = await get('/a')
      expect(got).toMatchObject({ status: 200, complete: true })
      // While it is tried to store it, it is shared as it came; it never comes from the store.
      expect(got.field('Cache-Status')).toMatch(/fwd=|being-stored/)
    }
    const ready = await json('/ready')
    expect(ready.status).toBe(503)
    expect(ready.body).toMatchObject({ checks: { metadata: { ok: true }, bodies: { ok: false } } })
    expect((await json('/health')).status).toBe(200)

    const s3 = await startS3(port)
    closeLater(() => s3.stop())
    await eventually(async () => (await get('/a')).field('Cache-Status')?.startsWith('strata; hit; ttl='))
    await eventually(async () => (await json('/ready')).status === 200)
  })
})

describe('Redis goes and comes back while it runs', () => {
  test('requests go on, and so does caching afterwards', async () => {
    const redis = await startRedis()
    closeLater(() => redis.stop())
    const { url } = await origin()
    const { strata, get, json } = await start(url, { STRATA_BACKEND: 'redis', STRATA_REDIS_URL: redis.url })
    await get('/a')
    await eventually(async () => (await get('/a')).field('X-Cache') === 'HIT')
    redis.pause()
    // Hanging, not refusing: every request is answered all the same.
    for (let i = 0; i < 10; i++)
      expect(await get(`/while/${i}`)).toMatchObject({ status: 200, complete: true })
    redis.resume()
    await redis.restart()
    for (let i = 0; i < 10; i++)
      expect(await get(`/after/${i}`)).toMatchObject({ status: 200, complete: true })
    await eventually(async () => (await get('/b')).field('X-Cache') === 'HIT')
    await eventually(async () => (await json('/ready')).status === 200)
    expect(strata.child.exitCode).toBeNull()
  })
})
