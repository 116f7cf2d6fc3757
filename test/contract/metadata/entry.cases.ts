import { beforeEach, describe, expect, test } from '@jest/globals'
import type { MetadataStore } from '../../../src/engine/ports/index.js'
import { sampleBody, sampleKey, storeEntry, T0 } from '../../support/entries.js'
import type { Current } from '../metadata-store.suite.js'

/** lookup, commit, remove, list: entries as such. */
export function entryCases(current: Current): void {
  let store: MetadataStore
  beforeEach(() => {
    store = current().store
  })
  const key = sampleKey('a')
  const variants = async (of = key) => (await store.lookup(of)).entries.map(e => e.variant).sort()

  describe('lookup and commit', () => {
    test('an unknown key has no entries, and the fence comes with it', async () => {
      const { entries, fence } = await store.lookup(key)
      expect(entries).toEqual([])
      expect(fence.epoch).toMatch(/^.+$/)
      expect(Number.isSafeInteger(fence.seq)).toBe(true)
    })

    test('an entry comes back as it was committed', async () => {
      const { entry, result } = await storeEntry(store, { key })
      expect(result).toEqual({ ok: true })
      expect((await store.lookup(key)).entries).toEqual([entry])
      expect((await store.lookup(sampleKey('b'))).entries).toEqual([])
    })

    test('every part survives: range, POST, large body with checks, values beyond ASCII, repeated fields', async () => {
      const { entry, result } = await storeEntry(store, {
        key,
        variant: 'v'.repeat(43),
        method: 'POST',
        status: 206,
        reason: 'Par\u00fcal \u{1F5FA}',
        fields: ['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'X-Latin', '\u00e9\u00ff'],
        selecting: [
          { name: 'accept', value: 'image/webp' },
          { name: 'accept-language', value: null },
        ],
        range: { first: 0, last: 99_999, complete: 200_000 },
        tags: ['a', 'collection:sentinel-2', '\u00fc'],
        body: {
          id: 'l-123_abc',
          size: 100_000,
          digest: '',
          chunkSize: 65_536,
          checks: new Uint8Array([1, 2, 3, 4, 255, 254, 253, 0]),
        },
      })
      expect(result).toEqual({ ok: true })
      const [found] = (await store.lookup(key)).entries
      expect({ ...found, body: { ...found!.body, checks: [...found!.body.checks] } }).toEqual({
        ...entry,
        body: { ...entry.body, checks: [1, 2, 3, 4, 255, 254, 253, 0] },
      })
    })

    test('an entry without body needs no reservation', async () => {
      const body = { id: '', size: 0, digest: '', chunkSize: 0, checks: new Uint8Array(0) }
      expect((await storeEntry(store, { key, status: 204, body })).result).toEqual({ ok: true })
      expect((await store.lookup(key)).entries[0]!.body.id).toBe('')
      expect(await store.usage()).toMatchObject({ entries: 1, bodies: 0, bodyBytes: 0, entryBytes: 0 })
    })

    test('all variants of the key come in one lookup', async () => {
      for (const variant of ['', 'gzip', 'br']) await storeEntry(store, { key, variant })
      await storeEntry(store, { key: sampleKey('b'), variant: 'other' })
      expect(await variants()).toEqual(['', 'br', 'gzip'])
    })

    test('a commit under the same name replaces', async () => {
      await storeEntry(store, { key, status: 200 })
      await storeEntry(store, { key, status: 404, body: sampleBody('newer') })
      const { entries } = await store.lookup(key)
      expect(entries.map(e => [e.status, e.body.id])).toEqual([[404, sampleBody('newer').id]])
    })

    test('`replaces` takes the named variants away in the same step, never the written one', async () => {
      for (const variant of ['a', 'b', 'c']) await storeEntry(store, { key, variant })
      await storeEntry(store, { key, variant: 'd' }, { replaces: ['a', 'b', 'd', 'unknown'] })
      expect(await variants()).toEqual(['c', 'd'])
      expect((await store.usage()).entries).toBe(2)
    })

    test('a refused commit replaces nothing', async () => {
      await storeEntry(store, { key, variant: 'a' })
      const { fence } = await store.lookup(key)
      const { result } = await storeEntry(
        store,
        { key, variant: 'b' },
        { replaces: ['a'], checked: { ...fence, seq: fence.seq + 1 } },
      )
      expect(result.ok).toBe(false)
      expect(await variants()).toEqual(['a'])
    })

    test('at most maxVariants stay; those stored longest ago go first', async () => {
      const at: Record<string, number> = { a: T0 + 2, b: T0 + 1, c: T0 + 3, d: T0 + 4 }
      for (const variant of Object.keys(at))
        await storeEntry(store, { key, variant, responseTime: at[variant]! })
      await storeEntry(store, { key, variant: 'e', responseTime: T0 + 5 }, { maxVariants: 3 })
      expect(await variants()).toEqual(['c', 'd', 'e'])
      await storeEntry(store, { key, variant: 'f', responseTime: T0 + 6 }, { maxVariants: 1 })
      expect(await variants()).toEqual(['f'])
      expect((await store.usage()).entries).toBe(1)
    })

    test('replacing a variant at the limit drives no other one out', async () => {
      for (const variant of ['a', 'b']) await storeEntry(store, { key, variant }, { maxVariants: 2 })
      await storeEntry(store, { key, variant: 'b', responseTime: T0 + 9 }, { maxVariants: 2 })
      expect(await variants()).toEqual(['a', 'b'])
    })

    test('the written entry stays even if it was answered before the others', async () => {
      for (const variant of ['a', 'b']) await storeEntry(store, { key, variant, responseTime: T0 + 5 })
      await storeEntry(store, { key, variant: 'c', responseTime: T0 }, { maxVariants: 1 })
      expect(await variants()).toEqual(['c'])
    })

    test('expectBody: a refresh succeeds on the entry it was made for, and keeps its body', async () => {
      const { entry } = await storeEntry(store, { key })
      const { fence } = await store.lookup(key)
      const fresh = { ...entry, responseTime: T0 + 9 }
      const result = await store.commit(fresh, { checked: fence, maxVariants: 9, expectBody: entry.body.id })
      expect(result).toEqual({ ok: true })
      expect((await store.lookup(key)).entries[0]!.responseTime).toBe(T0 + 9)
      expect(await store.orphans(T0 * 2, 10)).toEqual([])
    })

    test('expectBody: gone when absent, when another body is there, and when the body is not empty', async () => {
      const { entry } = await storeEntry(store, { key })
      const gone = { ok: false, reason: 'gone' }
      expect(
        (await storeEntry(store, { key, variant: 'none' }, { expectBody: entry.body.id })).result,
      ).toEqual(gone)
      expect((await storeEntry(store, { key }, { expectBody: sampleBody('other').id })).result).toEqual(gone)
      expect((await storeEntry(store, { key }, { expectBody: '' })).result).toEqual(gone)
      expect(await variants()).toEqual([''])
    })

    test('unlessNewer: takes the place of an older one and of none, not of one that is as new', async () => {
      const options = { unlessNewer: true }
      const at = async (responseTime: number) =>
        (await storeEntry(store, { key, responseTime, body: sampleBody(`at ${responseTime}`) }, options))
          .result
      expect(await at(T0 + 5)).toEqual({ ok: true })
      expect(await at(T0 + 5)).toEqual({ ok: false, reason: 'gone' })
      expect(await at(T0 + 4)).toEqual({ ok: false, reason: 'gone' })
      expect((await store.lookup(key)).entries).toMatchObject([{ responseTime: T0 + 5 }])
      expect(await at(T0 + 6)).toEqual({ ok: true })
      expect((await store.lookup(key)).entries).toMatchObject([{ responseTime: T0 + 6 }])
    })

    test('expectBody may be that of an empty body', async () => {
      const body = { id: '', size: 0, digest: '', chunkSize: 0, checks: new Uint8Array(0) }
      await storeEntry(store, { key, body })
      expect((await storeEntry(store, { key, body, status: 204 }, { expectBody: '' })).result).toEqual({
        ok: true,
      })
      expect((await storeEntry(store, { key: sampleKey('b'), body }, { expectBody: '' })).result.ok).toBe(
        false,
      )
    })
  })

  describe('remove', () => {
    test('takes entries away where they still have that body', async () => {
      const { entry } = await storeEntry(store, { key, variant: 'a' })
      await storeEntry(store, { key, variant: 'b' })
      const handle = { key, variant: 'a', bodyId: entry.body.id }
      expect(await store.remove([{ ...handle, bodyId: 'another' }])).toBe(0)
      expect(await variants()).toEqual(['a', 'b'])
      expect(await store.remove([handle, handle, { key: sampleKey('z'), variant: '', bodyId: 'x' }])).toBe(1)
      expect(await variants()).toEqual(['b'])
      expect(await store.remove([handle])).toBe(0)
      expect(await store.remove([])).toBe(0)
    })

    test('a handle read before a replacement does not take the later entry away', async () => {
      const { entry } = await storeEntry(store, { key })
      await storeEntry(store, { key, body: sampleBody('newer') })
      expect(await store.remove([{ key, variant: '', bodyId: entry.body.id }])).toBe(0)
      expect((await store.lookup(key)).entries).toHaveLength(1)
    })

    test('many at once', async () => {
      const keys = Array.from({ length: 120 }, (_, i) => sampleKey(i))
      const stored = await Promise.all(keys.map(k => storeEntry(store, { key: k })))
      const handles = stored.map(({ entry }) => ({ key: entry.key, variant: '', bodyId: entry.body.id }))
      expect(await store.remove(handles)).toBe(120)
      expect(await store.usage()).toMatchObject({ entries: 0, bodies: 0, bodyBytes: 0, entryBytes: 0 })
    })
  })

  describe('list', () => {
    const listAll = async (limit: number, between?: (page: number) => Promise<void>) => {
      const names: string[] = []
      let cursor: string | undefined
      let page = 0
      do {
        const found = await store.list(limit, cursor)
        names.push(...found.items.map(({ entry }) => `${entry.key} ${entry.variant}`))
        cursor = found.cursor
        await between?.(page++)
      } while (cursor !== undefined)
      return names
    }

    test('an empty store has one empty page', async () => {
      expect(await store.list(10)).toEqual({ items: [] })
    })

    test('gives all entries with their use, page by page', async () => {
      const expected = []
      for (let i = 0; i < 25; i++) {
        const { entry } = await storeEntry(store, { key: sampleKey(i >> 1), variant: i % 2 ? 'v' : '' })
        expected.push(`${entry.key} ${entry.variant}`)
      }
      await store.touch([{ key: sampleKey(3), variant: 'v', hits: 7, at: T0 + 50 }])
      for (const limit of [1, 4, 25, 100]) expect((await listAll(limit)).sort()).toEqual(expected.sort())
      const { items } = await store.list(100)
      const touched = items.find(({ entry }) => entry.key === sampleKey(3) && entry.variant === 'v')
      expect(touched?.use).toEqual({ hits: 7, lastAccess: T0 + 50 })
    })

    test('what is there during the whole listing is listed, whatever comes and goes', async () => {
      const stays = Array.from({ length: 40 }, (_, i) => sampleKey(i))
      for (const k of stays) await storeEntry(store, { key: k })
      const goes = await Promise.all(
        Array.from({ length: 20 }, (_, i) => storeEntry(store, { key: sampleKey(`goes ${i}`) })),
      )
      const names = await listAll(5, async page => {
        const gone = goes[page]?.entry
        if (gone) await store.remove([{ key: gone.key, variant: '', bodyId: gone.body.id }])
        if (page < 10) await storeEntry(store, { key: sampleKey(`comes ${page}`) })
        await storeEntry(store, { key: stays[page % 40]!, body: sampleBody(`again ${page}`) })
      })
      expect(new Set(names)).toEqual(new Set([...names, ...stays.map(k => `${k} `)]))
    })
  })

  describe('at the same time', () => {
    test('commits of many entries all land', async () => {
      const all = await Promise.all(
        Array.from({ length: 60 }, (_, i) => storeEntry(store, { key: sampleKey(i % 20), variant: `v${i}` })),
      )
      expect(all.every(({ result }) => result.ok)).toBe(true)
      expect((await store.usage()).entries).toBe(60)
      expect(await variants(sampleKey(0))).toEqual(['v0', 'v20', 'v40'])
    })

    test('commits under one name leave one entry; the other bodies become orphans', async () => {
      const bodies = Array.from({ length: 20 }, (_, i) => sampleBody(`race ${i}`))
      const all = await Promise.all(bodies.map(body => storeEntry(store, { key, body })))
      expect(all.every(({ result }) => result.ok)).toBe(true)
      const { entries } = await store.lookup(key)
      expect(entries).toHaveLength(1)
      const rest = bodies.map(b => b.id).filter(id => id !== entries[0]!.body.id)
      expect([...(await store.orphans(T0, 100))].sort()).toEqual(rest.sort())
      expect(await store.usage()).toMatchObject({ entries: 1, bodies: 1, bodyBytes: entries[0]!.body.size })
    })

    test('of refreshes of one entry that expect different bodies only the right ones hold', async () => {
      const { entry } = await storeEntry(store, { key })
      const { fence } = await store.lookup(key)
      const results = await Promise.all(
        [entry.body.id, 'wrong', entry.body.id, 'wrong'].map(expectBody =>
          store.commit({ ...entry, stamp: fence }, { checked: fence, maxVariants: 9, expectBody }),
        ),
      )
      expect(results.map(r => r.ok)).toEqual([true, false, true, false])
    })

    test('lookup answers while commits run', async () => {
      await storeEntry(store, { key, variant: 'a' })
      const writes = Array.from({ length: 30 }, (_, i) =>
        storeEntry(store, { key, variant: 'a', status: 200 + i }),
      )
      for (let i = 0; i < 30; i++) expect((await store.lookup(key)).entries).toHaveLength(1)
      await Promise.all(writes)
    })
  })
}
