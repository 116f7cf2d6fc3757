import { beforeEach, describe, expect, test } from '@jest/globals'
import type { MetadataStore } from '../../../src/engine/ports/index.js'
import { sampleBody, sampleKey, storeEntry, T0 } from '../../support/entries.js'
import type { Current } from '../metadata-store.suite.js'

/** Access times, the orders for eviction and sweeps, and usage. */
export function useCases(current: Current): void {
  let store: MetadataStore
  beforeEach(() => {
    store = current().store
  })
  const at = (n: number, ms: number) => storeEntry(store, { key: sampleKey(n), responseTime: T0 + ms })
  const order = async (limit = 100) => (await store.leastRecent(limit)).map(h => h.key)
  const keys = (...ns: number[]) => ns.map(sampleKey)

  describe('use and touch', () => {
    test('an entry that no request has used yet: no hits, its commit counts as access at its responseTime', async () => {
      await at(1, 5)
      expect(await store.use(sampleKey(1), '')).toEqual({ hits: 0, lastAccess: T0 + 5 })
    })

    test('absent entries have no use', async () => {
      await at(1, 5)
      expect(await store.use(sampleKey(1), 'other')).toBeUndefined()
      expect(await store.use(sampleKey(2), '')).toBeUndefined()
    })

    test('hits add up and the newest access counts, in whatever order the batches land', async () => {
      await at(1, 0)
      await store.touch([{ key: sampleKey(1), variant: '', hits: 3, at: T0 + 900 }])
      await store.touch([
        { key: sampleKey(1), variant: '', hits: 2, at: T0 + 100 },
        { key: sampleKey(1), variant: '', hits: 1, at: T0 + 200 },
      ])
      expect(await store.use(sampleKey(1), '')).toEqual({ hits: 6, lastAccess: T0 + 900 })
    })

    test('names that are gone are passed over, and not made', async () => {
      await at(1, 0)
      await store.touch([
        { key: sampleKey(9), variant: '', hits: 1, at: T0 },
        { key: sampleKey(1), variant: 'none', hits: 1, at: T0 },
        { key: sampleKey(1), variant: '', hits: 1, at: T0 + 1 },
      ])
      expect(await store.use(sampleKey(9), '')).toBeUndefined()
      expect(await store.use(sampleKey(1), 'none')).toBeUndefined()
      expect((await store.use(sampleKey(1), ''))?.hits).toBe(1)
      expect(await order()).toEqual(keys(1))
    })

    test('a commit under the same name keeps the hits; a removed entry starts anew', async () => {
      const { entry } = await at(1, 0)
      await store.touch([{ key: sampleKey(1), variant: '', hits: 4, at: T0 + 1 }])
      await at(1, 50)
      expect(await store.use(sampleKey(1), '')).toEqual({ hits: 4, lastAccess: T0 + 50 })
      await store.remove([{ key: sampleKey(1), variant: '', bodyId: entry.body.id }])
      await at(1, 60)
      expect(await store.use(sampleKey(1), '')).toEqual({ hits: 0, lastAccess: T0 + 60 })
    })
  })

  describe('leastRecent', () => {
    test('oldest access first, commits and touches alike', async () => {
      await at(1, 30)
      await at(2, 10)
      await at(3, 20)
      expect(await order()).toEqual(keys(2, 3, 1))
      await store.touch([{ key: sampleKey(2), variant: '', hits: 1, at: T0 + 40 }])
      expect(await order()).toEqual(keys(3, 1, 2))
      await at(3, 50)
      expect(await order()).toEqual(keys(1, 2, 3))
      expect(await order(2)).toEqual(keys(1, 2))
    })

    test('gives handles that remove takes, with the size of the body', async () => {
      const { entry } = await storeEntry(store, {
        key: sampleKey(1),
        variant: 'v',
        body: sampleBody('x', 1_234),
      })
      const handles = await store.leastRecent(10)
      expect(handles).toEqual([{ key: sampleKey(1), variant: 'v', bodyId: entry.body.id, size: 1_234 }])
      expect(await store.remove(handles)).toBe(1)
      expect(await store.leastRecent(10)).toEqual([])
    })

    test('the order holds over some hundred entries and random touches', async () => {
      const last = new Map<number, number>()
      for (let i = 0; i < 300; i++) {
        await at(i, i)
        last.set(i, i)
      }
      for (let i = 0; i < 300; i++) {
        const n = (i * 7919) % 300
        await store.touch([{ key: sampleKey(n), variant: '', hits: 1, at: T0 + 1_000 + i }])
        last.set(n, 1_000 + i)
      }
      const expected = [...last].sort((a, b) => a[1] - b[1]).map(([n]) => sampleKey(n))
      expect(await order(1_000)).toEqual(expected)
      expect(await order(17)).toEqual(expected.slice(0, 17))
    })
  })

  describe('useless', () => {
    test('entries whose uselessAt is ≤ now, oldest first', async () => {
      for (const [n, uselessAt] of [
        [1, T0 + 30],
        [2, T0 + 10],
        [3, T0 + 20],
        [4, T0 + 31],
      ] as const) {
        await storeEntry(store, { key: sampleKey(n), uselessAt })
      }
      expect((await store.useless(T0 + 30, 10)).map(h => h.key)).toEqual(keys(2, 3, 1))
      expect((await store.useless(T0 + 30, 2)).map(h => h.key)).toEqual(keys(2, 3))
      expect(await store.useless(T0 + 9, 10)).toEqual([])
    })

    test('a refresh moves it, a removal takes it away', async () => {
      const { entry } = await storeEntry(store, { key: sampleKey(1), uselessAt: T0 + 1 })
      await storeEntry(store, { key: sampleKey(2), uselessAt: T0 + 2 })
      await storeEntry(store, { key: sampleKey(1), uselessAt: T0 + 100 })
      expect((await store.useless(T0 + 50, 10)).map(h => h.key)).toEqual(keys(2))
      expect(await store.remove([{ key: sampleKey(1), variant: '', bodyId: entry.body.id }])).toBe(1)
      expect(await store.remove(await store.useless(T0 + 200, 10))).toBe(1)
      expect(await store.useless(T0 + 200, 10)).toEqual([])
    })
  })

  describe('usage', () => {
    test('empty', async () => {
      const { oldest, newest, ...counts } = await store.usage()
      expect(counts).toEqual({ entries: 0, bodies: 0, bodyBytes: 0, entryBytes: 0 })
      expect([oldest, newest]).toEqual([undefined, undefined])
    })

    test('a body that several entries share is counted once', async () => {
      const empty = sampleBody('the empty tile', 100)
      await storeEntry(store, { key: sampleKey(1), body: empty, responseTime: T0 + 3 })
      await storeEntry(store, { key: sampleKey(2), body: empty, responseTime: T0 + 1 })
      await storeEntry(store, {
        key: sampleKey(2),
        variant: 'v',
        body: sampleBody('y', 7),
        responseTime: T0 + 2,
      })
      const usage = { entries: 3, bodies: 2, bodyBytes: 107, entryBytes: 207, oldest: T0 + 1, newest: T0 + 3 }
      expect(await store.usage()).toEqual(usage)
    })

    test('follows replacement, superseded variants, the variant limit and removal', async () => {
      const shared = sampleBody('shared', 100)
      await storeEntry(store, { key: sampleKey(1), body: shared })
      await storeEntry(store, { key: sampleKey(1), variant: 'a', body: shared })
      await storeEntry(store, { key: sampleKey(1), body: sampleBody('z', 30), responseTime: T0 + 1 })
      expect(await store.usage()).toMatchObject({ entries: 2, bodies: 2, bodyBytes: 130, entryBytes: 130 })
      await storeEntry(
        store,
        { key: sampleKey(1), variant: 'b', body: shared, responseTime: T0 + 2 },
        { replaces: ['a'] },
      )
      expect(await store.usage()).toMatchObject({ entries: 2, bodies: 2, bodyBytes: 130, entryBytes: 130 })
      await storeEntry(
        store,
        { key: sampleKey(1), variant: 'c', body: shared, responseTime: T0 + 3 },
        { maxVariants: 2 },
      )
      expect(await store.usage()).toMatchObject({
        entries: 2,
        bodies: 1,
        bodyBytes: 100,
        entryBytes: 200,
        oldest: T0 + 2,
      })
      await store.remove(await store.leastRecent(10))
      expect(await store.usage()).toMatchObject({ entries: 0, bodies: 0, bodyBytes: 0, entryBytes: 0 })
    })

    test('writing the same entry again changes nothing', async () => {
      await at(1, 0)
      const before = await store.usage()
      await at(1, 0)
      expect(await store.usage()).toEqual(before)
    })

    test('a reserved body is not counted', async () => {
      await store.reserveBody('reserved', T0)
      expect(await store.usage()).toMatchObject({ bodies: 0, bodyBytes: 0 })
    })
  })
}
