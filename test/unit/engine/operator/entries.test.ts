import { describe, expect, jest, test } from '@jest/globals'
import { Fence } from '../../../../src/engine/fence/fence.js'
import { newMark } from '../../../../src/engine/fence/mark.js'
import { sampleBody, sampleKey, storeEntry, T0 } from '../../../support/entries.js'
import { operatedCache } from '../../../support/operated-cache.js'

const bad = (faults: unknown) => expect.objectContaining({ code: 'STRATA_BAD_REQUEST', faults })

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
