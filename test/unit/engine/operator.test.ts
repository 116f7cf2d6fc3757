import { describe, expect, jest, test } from '@jest/globals'
import { Fence } from '../../../src/engine/fence/fence.js'
import type { InvalidateRequest } from '../../../src/engine/operator.js'
import { sampleBody, sampleKey, storeEntry, T0 } from '../../support/entries.js'
import { ManualTime } from '../../support/manual-timers.js'
import { operatedCache } from '../../support/operated-cache.js'

const bad = (faults: unknown) => expect.objectContaining({ code: 'STRATA_BAD_REQUEST', faults })

describe('invalidate', () => {
  const cache = async () => {
    const made = await operatedCache()
    for (let i = 0; i < 6; i++) await made.fill(`tiles/${i}.png`, { tags: ['layer:a', `z${i % 2}`] })
    await made.fill('api/x?q=1', { status: 404, fields: ['content-type', 'application/json'] })
    await made.fill('api/x', { url: 'http://i/api/x', key: sampleKey('other host') })
    const urls = async () => (await made.operator.keys({})).keys.map(({ url }) => url).sort()
    return { ...made, urls }
  }

  test.each<[InvalidateRequest, number]>([
    [{ keys: [sampleKey('tiles/0.png'), sampleKey('tiles/1.png')] }, 2],
    [{ urls: ['http://h/tiles/0.png', '/api/x?q=1'] }, 2],
    [{ urls: ['HTTP://H:80/tiles/0.png#top'] }, 1],
    [{ patterns: ['/tiles/[0-2].png', '/api/**'] }, 5],
    [{ patterns: ['http://i/**'] }, 1],
    [{ tags: ['layer:a'] }, 6],
    [{ tags: ['z0', 'layer:a'] }, 6],
    [{ prefix: '/tiles/' }, 6],
    [{ prefix: 'http://h/api' }, 1],
    [{ host: 'h' }, 7],
    [{ all: true }, 8],
    [{ tags: ['z0'], prefix: '/tiles/0' }, 1],
    [{ tag: 'z0', pattern: '/tiles/{0,1,2}.png' }, 2],
    [{ status: 404 }, 1],
    [{ contentType: 'application/*' }, 1],
    [{ olderThan: T0 + 1, host: 'i' }, 1],
    [{ olderThan: T0 }, 0],
    [{ minBytes: 12 }, 0],
    [{ tags: ['nothing'] }, 0],
  ])('%j hits %i; a dry run says the same and does nothing', async (request, matched) => {
    const { operator, metadata, fence, urls } = await cache()
    const before = await urls()
    const dry = await operator.invalidate({ ...request, dryRun: true })
    expect(dry).toMatchObject({ dryRun: true, matched, complete: true })
    expect(await urls()).toEqual(before)
    expect(fence.state().seq).toBe((await metadata.lookup(sampleKey(1))).fence.seq)
    const result = await operator.invalidate(request)
    expect(result).toMatchObject({ effective: true, matched, sweeping: false, pending: [], soft: false })
    expect((await urls()).length).toBe(8 - matched)
    expect((await metadata.usage()).entries).toBe(8 - matched)
    expect(await operator.invalidate(request)).toMatchObject({ matched: 0 })
  })

  test('a dry run tells bytes and at most 20 keys', async () => {
    const { operator, fill } = await operatedCache()
    for (let i = 0; i < 30; i++) await fill(`e${i}`, { body: sampleBody(`e${i}`, 10) })
    const result = await operator.invalidate({ all: true, dryRun: true })
    expect(result).toMatchObject({ matched: 30, bytes: 300 })
    expect('sample' in result && result.sample).toHaveLength(20)
  })

  test('soft: entries stay and are shown as such', async () => {
    const { operator } = await cache()
    expect(await operator.invalidate({ tags: ['z1'], soft: true })).toMatchObject({
      matched: 3,
      soft: true,
      effective: true,
    })
    const { keys } = await operator.keys({ tag: 'z1' })
    expect(keys.map(({ state }) => state)).toEqual(['purged-soft', 'purged-soft', 'purged-soft'])
    expect((await operator.keys({ tag: 'z0' })).keys.map(({ state }) => state)).toEqual([
      'fresh',
      'fresh',
      'fresh',
    ])
  })

  test('holds before it is counted: a sweep that hangs delays the answer by the wait and no more', async () => {
    const time = new ManualTime()
    const { operator, fill, metadata, fence } = await operatedCache({ timers: time })
    const entry = await fill('a', { tags: ['t'] })
    jest.spyOn(metadata, 'list').mockReturnValue(new Promise(() => {}))
    const pending = operator.invalidate({ tags: ['t'] })
    while (time.waiting === 0) await new Promise(resolve => setImmediate(resolve))
    expect(fence.verdict(entry)).toBe('dead')
    time.advance(2000)
    expect(await pending).toMatchObject({ effective: true, matched: 0, sweeping: true })
  })

  test('all marks of a request have one seq', async () => {
    const { operator, fence, stats } = await cache()
    const { seq } = fence.state()
    expect(
      await operator.invalidate({ keys: [sampleKey(1)], tags: ['x', 'y'], patterns: ['/q/**'] }),
    ).toMatchObject({ seq: seq + 1 })
    expect(stats.invalidations).toBe(1)
  })

  test('other nodes that have not confirmed: not effective', async () => {
    const { operator, fill } = await operatedCache({ settle: async () => ['node-2'] })
    await fill('a')
    expect(await operator.invalidate({ all: true })).toMatchObject({
      effective: false,
      pending: ['node-2'],
      matched: 1,
    })
  })

  test.each<[string, (cache: Awaited<ReturnType<typeof operatedCache>>) => void]>([
    [
      'refuses',
      ({ metadata }) => jest.spyOn(metadata, 'invalidate').mockRejectedValue(new Error('READONLY')),
    ],
    [
      'cannot be asked whether there were others',
      ({ metadata }) => {
        const invalidate = metadata.invalidate.bind(metadata)
        jest.spyOn(metadata, 'invalidate').mockImplementation(async marks => {
          await invalidate(marks)
          return invalidate(marks)
        })
        jest.spyOn(metadata, 'marksAfter').mockRejectedValue(new Error('down'))
      },
    ],
  ])('a store that %s: never a success', async (_, breakIt) => {
    const cache = await operatedCache()
    breakIt(cache)
    await expect(cache.operator.invalidate({ all: true })).rejects.toMatchObject({
      code: 'STRATA_STORE_UNAVAILABLE',
      status: 503,
    })
  })

  test.each<[InvalidateRequest, { path: string; message: RegExp }[]]>([
    [{}, [{ path: '', message: /says nothing/ }]],
    [{ keys: [] }, [{ path: 'keys', message: /is empty/ }]],
    [{ keys: [], prefix: '/a' }, [{ path: 'keys', message: /is empty/ }]],
    [{ all: false }, [{ path: 'all', message: /must be true/ }]],
    [{ all: true, tags: ['a'] }, [{ path: 'all', message: /stands alone/ }]],
    [{ all: true, host: 'h' }, [{ path: 'all', message: /stands alone/ }]],
    [{ key: sampleKey(1), keys: [sampleKey(2)] }, [{ path: 'key', message: /either/ }]],
    [
      { keys: ['x'], urls: ['/ok', 'nope'], patterns: ['('], host: '/' },
      [
        { path: 'keys[0]', message: /43/ },
        { path: 'host', message: /no host/ },
        { path: 'urls[1]', message: /must begin/ },
        { path: 'patterns[0]', message: /backtracking/ },
      ],
    ],
  ])('%j is refused, every fault named', async (request, faults) => {
    const { operator, fence } = await operatedCache()
    const expected = faults.map(({ path, message }) => ({ path, message: expect.stringMatching(message) }))
    await expect(operator.invalidate(request)).rejects.toEqual(bad(expected))
    expect(fence.state().seq).toBe(0)
  })

  test('more marks than may push others out of the log are refused', async () => {
    const { operator } = await operatedCache({ maxMarks: 20 })
    const tags = Array.from({ length: 11 }, (_, i) => `t${i}`)
    await expect(operator.invalidate({ tags })).rejects.toEqual(
      bad([{ path: '', message: expect.stringMatching(/at most 10/) }]),
    )
    expect(await operator.invalidate({ tags: [...tags.slice(1), 't1', 't2'] })).toMatchObject({ matched: 0 })
  })

  test('URLs as rules turn them are hit as well', async () => {
    const { operator, fill } = await operatedCache({ effectiveUrls: url => [url.replace(/\?.*/, '')] })
    await fill('a')
    expect(await operator.invalidate({ urls: ['http://h/a?utm_source=x'] })).toMatchObject({ matched: 1 })
  })
})

describe('remove', () => {
  test('all variants of the key', async () => {
    const { operator, fill } = await operatedCache()
    const { key } = await fill('a')
    await fill('a', { variant: 'gzip', body: sampleBody('zipped') })
    expect(await operator.remove(key)).toMatchObject({ matched: 2, effective: true })
    await expect(operator.remove(key)).rejects.toMatchObject({ code: 'STRATA_NOT_FOUND' })
  })

  test('a key that is not stored is not found, but a fill that is under way for it is fenced off', async () => {
    const { operator, fence } = await operatedCache()
    const stamp = fence.state()
    const key = sampleKey('under way')
    await expect(operator.remove(key)).rejects.toMatchObject({ code: 'STRATA_NOT_FOUND' })
    const found = await fence.lookup(key)
    expect(found.fence.seq).toBe(stamp.seq + 1)
    expect(fence.verdict({ ...(await sample(key)), stamp })).toBe('dead')
  })

  test('what is no key is not found, and nothing is logged', async () => {
    const { operator, fence } = await operatedCache()
    await expect(operator.remove('nope')).rejects.toMatchObject({ code: 'STRATA_NOT_FOUND' })
    expect(fence.state().seq).toBe(0)
  })
})

async function sample(key: string) {
  const { fill } = await operatedCache()
  return fill('any', { key })
}

describe('keys', () => {
  test('all, page by page, each once', async () => {
    const { operator, fill } = await operatedCache()
    for (let i = 0; i < 23; i++) await fill(`e${i}`)
    const seen: string[] = []
    let cursor: string | null = null
    let pages = 0
    do {
      const page: Awaited<ReturnType<typeof operator.keys>> = await operator.keys({
        limit: 5,
        ...(cursor === null ? {} : { cursor }),
      })
      expect(page.keys.length).toBeLessThanOrEqual(5)
      seen.push(...page.keys.map(({ url }) => url))
      cursor = page.cursor
      pages++
    } while (cursor !== null)
    expect(new Set(seen).size).toBe(23)
    expect(seen).toHaveLength(23)
    expect(pages).toBeLessThanOrEqual(6)
  })

  test.each([{ pattern: '/a/*' }, { tag: 't' }, { prefix: '/a/' }, { prefix: 'http://h/a', tag: 't' }])(
    'filtered by %j, page by page',
    async filter => {
      const { operator, fill } = await operatedCache()
      for (let i = 0; i < 20; i++) {
        await fill(`a/${i}`, { tags: ['t'] })
        await fill(`b/${i}`)
      }
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const page: Awaited<ReturnType<typeof operator.keys>> = await operator.keys({
          ...filter,
          limit: 7,
          ...(cursor === null ? {} : { cursor }),
        })
        seen.push(...page.keys.map(({ url }) => url))
        cursor = page.cursor
      } while (cursor !== null)
      expect(seen.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `http://h/a/${i}`).sort())
    },
  )

  test('a rare pattern gives a cursor instead of scanning for ever', async () => {
    const { operator, metadata, fence } = await operatedCache()
    const { entry } = await storeEntry(metadata, { url: 'http://h/other' })
    const items = Array.from({ length: 500 }, () => ({ entry, use: { hits: 0, lastAccess: T0 } }))
    const pages = jest.spyOn(metadata, 'list').mockResolvedValue({ items, cursor: 'on' })
    const page = await operator.keys({ pattern: '/rare' })
    expect(page).toMatchObject({ keys: [], scanned: 10_000, cursor: expect.any(String) })
    expect(pages).toHaveBeenCalledTimes(20)
    await operator.keys({ pattern: '/rare', cursor: page.cursor! })
    expect(pages).toHaveBeenNthCalledWith(21, 500, 'on')
    expect(fence.marks()).toEqual([])
  })

  test('what a purge has killed is not shown, even before a sweep', async () => {
    const { operator, fill, metadata } = await operatedCache()
    await fill('a')
    await fill('b')
    const other = new Fence(metadata, { maxMarks: 10, onReset: () => {}, onMarks: () => {} })
    await other.load()
    const { newMark } = await import('../../../src/engine/fence/mark.js')
    await other.invalidate([newMark({ url: '/a' }, { at: T0 })])
    expect((await operator.keys({})).keys.map(({ url }) => url)).toEqual(['http://h/b'])
  })

  test('shows what an entry is', async () => {
    const { operator, fill, metadata } = await operatedCache()
    const { key } = await fill('a', { tags: ['t'] })
    await metadata.touch([{ key, variant: '', hits: 3, at: T0 + 5000 }])
    expect((await operator.keys({})).keys).toEqual([
      {
        key,
        variant: '',
        url: 'http://h/a',
        method: 'GET',
        status: 200,
        contentType: 'image/png',
        size: 1,
        storedAt: new Date(T0).toISOString(),
        expiresAt: new Date(T0 + 60_000).toISOString(),
        ttl: 50,
        state: 'fresh',
        hits: 3,
        lastAccess: new Date(T0 + 5000).toISOString(),
        tags: ['t'],
      },
    ])
  })

  test.each([
    [{ limit: 0 }, 'limit'],
    [{ limit: 1001 }, 'limit'],
    [{ limit: NaN }, 'limit'],
    [{ cursor: 'x' }, 'cursor'],
    [{ cursor: Buffer.from('[1]').toString('base64url') }, 'cursor'],
    [{ pattern: '(' }, 'pattern'],
    [{ prefix: 'tiles' }, 'prefix'],
  ])('%j is refused', async (query, path) => {
    const { operator } = await operatedCache()
    await expect(operator.keys(query)).rejects.toEqual(bad([{ path, message: expect.any(String) }]))
  })
})

describe('entry', () => {
  test('all live variants with all that is known', async () => {
    const { operator, fill } = await operatedCache()
    const { key } = await fill('a')
    await fill('a', { variant: 'v', body: sampleBody('v') })
    const { variants, url } = await operator.entry(key)
    expect(url).toBe('http://h/a')
    expect(variants.map(({ variant }) => variant).sort()).toEqual(['', 'v'])
    expect(variants[0]).toMatchObject({
      fields: expect.arrayContaining([['Content-Type', 'image/png']]),
      state: 'fresh',
    })
  })

  test.each([sampleKey('unknown'), 'no key at all'])('%s is not found', async key => {
    const { operator } = await operatedCache()
    await expect(operator.entry(key)).rejects.toMatchObject({ code: 'STRATA_NOT_FOUND', status: 404 })
  })
})

describe('status', () => {
  test('says what is there', async () => {
    const { operator, fill, stats } = await operatedCache({ memory: () => ({ keys: 2, bytes: 3 }) })
    await fill('a')
    await fill('b', { responseTime: T0 + 1 })
    stats.hits = 3
    stats.misses = 1
    expect(await operator.status()).toMatchObject({
      backend: 'memory',
      namespace: 'test',
      tiers: { metadata: { ok: true }, bodies: { ok: true }, memory: { keys: 2, bytes: 3 } },
      entries: 2,
      bytes: 2,
      oldest: new Date(T0).toISOString(),
      newest: new Date(T0 + 1).toISOString(),
      hits: 3,
      misses: 1,
      hitRatio: 0.75,
      uptimeSeconds: 10,
      fence: { seq: 0, marks: 0 },
    })
  })

  test('a store that hangs is said to be so, after a bounded time', async () => {
    const time = new ManualTime()
    const { operator, metadata, bodies } = await operatedCache({ timers: time })
    jest.spyOn(metadata, 'ping').mockReturnValue(new Promise(() => {}))
    jest.spyOn(metadata, 'usage').mockReturnValue(new Promise(() => {}))
    jest.spyOn(bodies, 'ping').mockRejectedValue(new Error('refused'))
    const pending = operator.status()
    await new Promise(resolve => setImmediate(resolve))
    time.advance(1000)
    expect(await pending).toMatchObject({
      tiers: {
        metadata: { ok: false, reason: 'no answer within 1000 ms' },
        bodies: { ok: false, reason: 'refused' },
      },
      entries: null,
      bytes: null,
      oldest: null,
    })
  })
})
