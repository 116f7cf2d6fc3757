import { describe, expect, jest, test } from '@jest/globals'
import type { InvalidateRequest } from '../../../../src/engine/operator.js'
import { sampleBody, sampleKey, T0 } from '../../../support/entries.js'
import { ManualTime } from '../../../support/manual-timers.js'
import { operatedCache } from '../../../support/operated-cache.js'

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
