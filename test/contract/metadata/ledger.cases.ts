import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Entry, MetadataStore } from '../../../src/engine/ports/index.js'
import { sampleBody, sampleEntry, sampleKey, storeEntry, T0 } from '../../support/entries.js'
import type { Current } from '../metadata-store.suite.js'

const RETRY_MS = 60_000

/** The ledger of bodies and its races. */
export function ledgerCases(current: Current): void {
  let store: MetadataStore
  beforeEach(() => {
    store = current().store
  })
  const body = sampleBody('the body')
  const handle = (entry: Entry) => ({ key: entry.key, variant: entry.variant, bodyId: entry.body.id })
  const commit = async (overrides: Partial<Entry> = {}) => {
    const { fence } = await store.lookup(sampleKey(1))
    const entry = sampleEntry({ key: sampleKey(1), body, stamp: fence, ...overrides })
    return store.commit(entry, { checked: fence, maxVariants: 10 })
  }
  const refused = { ok: false, reason: 'body' }

  describe('ledger: reservations', () => {
    test('a commit without reservation is refused', async () => {
      expect(await commit()).toEqual(refused)
      expect((await store.lookup(sampleKey(1))).entries).toEqual([])
      expect(await store.usage()).toMatchObject({ entries: 0, bodies: 0, bodyBytes: 0 })
    })

    test('reserved until an entry refers to it, then present', async () => {
      expect(await store.reserveBody(body.id, T0)).toBe('reserved')
      expect(await store.reserveBody(body.id, T0 + 1)).toBe('reserved')
      expect(await commit()).toEqual({ ok: true })
      expect(await store.reserveBody(body.id, T0)).toBe('present')
    })

    test('a second entry may refer to a body that is there, and a reservation that has run out still lets a commit in', async () => {
      await store.reserveBody(body.id, 1)
      expect(await commit()).toEqual({ ok: true })
      expect(await commit({ variant: 'v' })).toEqual({ ok: true })
    })

    test('no orphan while a reservation holds; one when it has run out', async () => {
      await store.reserveBody(body.id, T0 + 100)
      expect(await store.orphans(T0 + 99, 10)).toEqual([])
      expect(await store.orphans(T0 + 100, 10)).toEqual([body.id])
    })

    test('the longest reservation holds', async () => {
      await store.reserveBody(body.id, T0 + 100)
      await store.reserveBody(body.id, T0 + 50)
      expect(await store.orphans(T0 + 60, 10)).toEqual([])
    })

    test('released: an orphan at once, for bytes may have been written', async () => {
      await store.reserveBody(body.id, T0 + 100)
      await store.releaseBody(body.id)
      expect(await store.orphans(T0, 10)).toEqual([body.id])
    })

    test('a release takes nothing from the entries that refer to it; releasing unknown ids is no error', async () => {
      await store.reserveBody(body.id, T0 + 100)
      await commit()
      await store.reserveBody(body.id, T0 + 100)
      await store.releaseBody(body.id)
      await store.releaseBody('unknown')
      expect(await store.orphans(T0 + 1_000, 10)).toEqual([])
      expect(await store.unknownBodies(['unknown'])).toEqual(['unknown'])
      expect(await store.reserveBody(body.id, T0)).toBe('present')
    })

    test('a reservation of a body that is present outlasts the last entry', async () => {
      const { entry } = await storeEntry(store, { body })
      expect(await store.reserveBody(body.id, T0 + 100)).toBe('present')
      await store.remove([handle(entry)])
      expect(await store.orphans(T0 + 50, 10)).toEqual([])
      expect(await commit()).toEqual({ ok: true })
      expect(await store.orphans(T0 + 500, 10)).toEqual([])
    })
  })

  describe('ledger: orphans', () => {
    test('a body is an orphan when its last entry has gone: removed, replaced, superseded or driven out', async () => {
      const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(text => sampleBody(text))
      const key = sampleKey('k')
      const { entry } = await storeEntry(store, { key: sampleKey('x'), body: a })
      const twin = await storeEntry(store, { key: sampleKey('y'), body: a })
      await store.remove([handle(entry)])
      expect(await store.orphans(T0 * 2, 10)).toEqual([])
      await store.remove([handle(twin.entry)])
      expect(await store.orphans(T0 * 2, 10)).toEqual([a!.id])

      await storeEntry(store, { key, variant: '1', body: b })
      await storeEntry(store, { key, variant: '1', body: c })
      expect(await store.orphans(T0 * 2, 10)).toEqual([b!.id])
      await storeEntry(store, { key, variant: '2', body: d }, { replaces: ['1'] })
      expect(await store.orphans(T0 * 2, 10)).toEqual([c!.id])
      await storeEntry(store, { key, variant: '3', body: e }, { maxVariants: 1 })
      expect(await store.orphans(T0 * 2, 10)).toEqual([d!.id])
    })

    test('oldest first, at most the limit, each handed out once', async () => {
      await store.reserveBody('third', T0 + 300)
      await store.reserveBody('first', T0 + 100)
      await store.reserveBody('second', T0 + 200)
      await store.reserveBody('held', T0 + 5_000)
      expect(await store.orphans(T0 + 1_000, 2)).toEqual(['first', 'second'])
      expect(await store.orphans(T0 + 1_000, 2)).toEqual(['third'])
      expect(await store.orphans(T0 + 1_000, 2)).toEqual([])
    })

    test('two sweepers at the same time get different bodies', async () => {
      const ids = Array.from({ length: 30 }, (_, i) => `body-${i}`)
      await Promise.all(ids.map(id => store.reserveBody(id, T0)))
      const pages = await Promise.all([1, 2, 3, 4].map(() => store.orphans(T0, 10)))
      expect(pages.flat().sort()).toEqual(ids.sort())
    })

    test('a body that is being deleted takes neither reservation nor commit', async () => {
      await store.reserveBody(body.id, T0)
      expect(await store.orphans(T0, 10)).toEqual([body.id])
      expect(await store.reserveBody(body.id, T0 + 1_000)).toBe('busy')
      expect(await commit()).toEqual(refused)
      await store.releaseBody(body.id)
      expect(await store.reserveBody(body.id, T0 + 1_000)).toBe('busy')
      expect(await store.unknownBodies([body.id])).toEqual([])
    })

    test('it is handed out again after 60 s when it was not forgotten', async () => {
      await store.reserveBody(body.id, T0)
      await store.orphans(T0, 10)
      expect(await store.orphans(T0 + RETRY_MS - 1, 10)).toEqual([])
      expect(await store.orphans(T0 + RETRY_MS + 1, 10)).toEqual([body.id])
      expect(await store.orphans(T0 + RETRY_MS + 2, 10)).toEqual([])
    })

    test('forgotten: the ledger knows nothing of it, and the id can be reserved anew', async () => {
      await store.reserveBody(body.id, T0)
      await store.orphans(T0, 10)
      await store.forget([body.id, 'unknown'])
      expect(await store.unknownBodies([body.id])).toEqual([body.id])
      expect(await commit()).toEqual(refused)
      expect(await store.reserveBody(body.id, T0)).toBe('reserved')
      expect(await commit()).toEqual({ ok: true })
    })

    test('a forget that lands late takes nothing from a body that lives again', async () => {
      await store.reserveBody(body.id, T0)
      await store.orphans(T0, 10)
      await store.forget([body.id])
      await store.reserveBody(body.id, T0 + 100)
      await store.forget([body.id])
      expect(await commit()).toEqual({ ok: true })
      await store.forget([body.id])
      expect(await store.unknownBodies([body.id])).toEqual([])
      expect(await store.usage()).toMatchObject({ bodies: 1, bodyBytes: body.size })
    })

    test('a commit races a deletion: it holds, or it is refused; never both', async () => {
      for (let i = 0; i < 25; i++) {
        const racing = sampleBody(`racing ${i}`)
        await store.reserveBody(racing.id, T0)
        const [result, orphans] = await Promise.all([
          commit({ key: sampleKey(`race ${i}`), body: racing }),
          store.orphans(T0, 10),
        ])
        expect(result.ok).toBe(!orphans.includes(racing.id))
      }
    })

    test('a refused commit leaves the reservation as it was', async () => {
      const { fence } = await store.lookup(sampleKey(1))
      await store.reserveBody(body.id, T0 + 100)
      const entry = sampleEntry({ body, stamp: fence })
      const checked = { ...fence, seq: fence.seq + 1 }
      expect((await store.commit(entry, { checked, maxVariants: 1 })).ok).toBe(false)
      expect(await store.orphans(T0 + 50, 10)).toEqual([])
      expect(await store.reserveBody(body.id, T0 + 100)).toBe('reserved')
    })
  })

  describe('ledger: unknownBodies', () => {
    test('known are reserved, referred-to, dead and dying bodies', async () => {
      await store.reserveBody('reserved', T0 + 100)
      await store.reserveBody('dead', T0)
      await storeEntry(store, { body })
      const ids = ['nobody', 'reserved', 'dead', body.id, 'nothing']
      expect(await store.unknownBodies(ids)).toEqual(['nobody', 'nothing'])
      await store.orphans(T0, 10)
      expect(await store.unknownBodies(ids)).toEqual(['nobody', 'nothing'])
      expect(await store.unknownBodies([])).toEqual([])
    })
  })

  test('the backend answers a ping', async () => {
    expect(await store.ping()).toBeUndefined()
    expect(store.name).toMatch(/^[a-z0-9-]+$/)
  })
}
