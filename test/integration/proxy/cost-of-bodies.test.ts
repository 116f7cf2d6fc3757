import { describe, expect, test } from '@jest/globals'
import { BACKEND_NAMES, startBackend, type BackendName } from '../../support/backends.js'
import { eventually, startInProcessProxy } from '../../support/in-process-proxy.js'
import { startPatternOrigin } from '../../support/pattern-origin.js'
import { closeLater, type ProxyOptions } from './proxied.js'

/** What a body costs where each request is paid for, and how to have fewer of them. */

async function site(name: BackendName, options: ProxyOptions) {
  const backend = await startBackend(name)
  closeLater(() => backend.stop())
  const origin = await startPatternOrigin()
  closeLater(() => origin.stop())
  const proxy = await startInProcessProxy({ origin: origin.url, ...backend.options, ...options })
  closeLater(() => proxy.close())
  const get = async (path: string) => {
    const response = await fetch(`${proxy.base}${path}`)
    await response.arrayBuffer()
    return response.headers.get('x-cache')
  }
  const admin = async <T>(path: string) =>
    (await (await fetch(`${proxy.base}/admin/cache${path}`)).json()) as T
  const stats = () => admin<Stats>('/stats')
  const stored = (entries: number) =>
    eventually(async () => (await admin<{ entries: number }>('/status')).entries === entries)
  return { origin, proxy, get, stats, stored }
}

interface Stats {
  readonly entries: number
  readonly bodyRequests: {
    readonly byOperation: Record<string, number>
    readonly perThousandHits: number
    readonly perThousandMisses: number
  } | null
}

describe('requests to S3', () => {
  test('are counted: one for a miss, none for a hit from memory, one for a hit from S3', async () => {
    const { get, stats, stored } = await site('s3-redis', { memory: { maxBodyBytes: 1000 } })
    for (const path of ['/900', '/2000']) expect(await get(path)).toBe('MISS')
    await stored(2)
    expect((await stats()).bodyRequests).toMatchObject({
      byOperation: { PutObject: 2 },
      perThousandHits: 0,
      perThousandMisses: 1000,
    })
    for (const path of ['/900', '/900', '/900', '/2000']) expect(await get(path)).toBe('HIT')
    const { bodyRequests } = await stats()
    expect(bodyRequests).toMatchObject({ byOperation: { PutObject: 2, GetObject: 1 }, perThousandHits: 250 })
  })

  test('a body that is kept with the metadata makes none', async () => {
    const options = { limits: { inlineBodyBytes: 1000 }, memory: { maxBytes: 0 } }
    const { get, stats, stored } = await site('s3-redis', options)
    expect(await get('/1000')).toBe('MISS')
    await stored(1)
    expect(await get('/1000')).toBe('HIT')
    const { byOperation } = (await stats()).bodyRequests!
    expect(byOperation).not.toHaveProperty('PutObject')
    expect(byOperation).not.toHaveProperty('GetObject')
  })

  test('there is nothing to count elsewhere', async () => {
    const { get, stats } = await site('memory', {})
    await get('/1')
    expect((await stats()).bodyRequests).toBeNull()
  })
})

test('minUses: what is asked for but once is not stored', async () => {
  const { get, stored, origin } = await site('embedded', { limits: { minUses: 2 } })
  expect([await get('/1'), await get('/2'), await get('/2')]).toEqual(['MISS', 'MISS', 'MISS'])
  await stored(1)
  expect([await get('/2'), await get('/1')]).toEqual(['HIT', 'MISS'])
  await stored(2)
  expect(await get('/1')).toBe('HIT')
  expect(origin.requests).toBe(4)
})

test.each(BACKEND_NAMES)(
  '%s: a store far over its limit takes nothing more until a sweep has made room, and says so',
  async name => {
    const { proxy, get, stats } = await site(name, {
      limits: { maxStoreEntries: 10 },
      sweep: { intervalMs: 0 },
    })
    const detail = async (path: string) =>
      (await fetch(`${proxy.base}${path}`)).headers.get('cache-status')?.match(/detail=([\w-]+)/)?.[1]
    let at = 0
    await eventually(async () => (await detail(`/${++at}`)) === 'store-full')
    // All before it are on their way into the store, or there.
    const entries = at - 1
    expect(entries).toBeGreaterThan(11)
    await eventually(async () => (await stats()).entries === entries)
    // Passed on all the same, and what is stored is served and renewed.
    expect(await get(`/${at}`)).toBe('MISS')
    expect(await get('/1')).toBe('HIT')
    expect((await stats()).entries).toBe(entries)
    await fetch(`${proxy.base}/admin/cache/sweep`, { method: 'POST' })
    await eventually(async () => (await stats()).entries === 8)
    await eventually(async () => {
      await get(`/${++at}`)
      return (await stats()).entries > 8
    })
  },
)
