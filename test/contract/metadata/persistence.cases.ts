import { beforeEach, describe, expect, test } from '@jest/globals'
import { encodeEntry } from '../../../src/engine/ports/index.js'
import type { MetadataStore } from '../../../src/engine/ports/index.js'
import { sampleBody, sampleKey, storeEntry, T0 } from '../../support/entries.js'
import type { Current, MetadataHarness } from '../metadata-store.suite.js'

/** What survives a restart, and what is read of damaged data (P10). */
export function persistenceCases(current: Current): void {
  let store: MetadataStore
  beforeEach(() => {
    store = current().store
  })
  const need = <K extends 'reopen' | 'damage'>(name: K): NonNullable<MetadataHarness[K]> => {
    const found = current()[name]
    if (found === undefined) throw new Error(`a store that is not volatile gives the suite "${name}"`)
    return found as NonNullable<MetadataHarness[K]>
  }

  test('a reopened store has everything: entries, use, usage, fence, marks, ledger', async () => {
    const { entry } = await storeEntry(store, { key: sampleKey(1), variant: 'v' })
    await storeEntry(store, {
      key: sampleKey(2),
      body: sampleBody('x', 50),
      uselessAt: T0 + 5,
      responseTime: T0 + 3,
    })
    await store.touch([{ key: sampleKey(1), variant: 'v', hits: 2, at: T0 + 70 }])
    const first = await store.invalidate(['gone'])
    await store.retireMarks(first.seq, true)
    const fence = await store.invalidate(['{"tag":"kept"}'])
    await store.reserveBody('reserved', T0 + 100)
    await store.reserveBody('dying', T0 - 1)
    expect(await store.orphans(T0, 10)).toEqual(['dying'])
    const usage = await store.usage()

    const again = await need('reopen')()
    expect(await again.lookup(sampleKey(1))).toEqual({ entries: [entry], fence })
    expect(await again.use(sampleKey(1), 'v')).toEqual({ hits: 2, lastAccess: T0 + 70 })
    expect(await again.usage()).toEqual(usage)
    expect(await again.marksAfter(0, 10)).toEqual({
      fence,
      marks: [{ seq: fence.seq, mark: '{"tag":"kept"}' }],
      floor: first.seq,
      retired: first.seq,
    })
    expect((await again.leastRecent(10)).map(h => h.key)).toEqual([sampleKey(2), sampleKey(1)])
    expect((await again.useless(T0 + 5, 10)).map(h => h.key)).toEqual([sampleKey(2)])
    expect(await again.reserveBody('dying', T0)).toBe('busy')
    expect(await again.unknownBodies(['reserved', entry.body.id, 'none'])).toEqual(['none'])
    expect((await again.invalidate(['next'])).seq).toBe(fence.seq + 1)
    expect((await storeEntry(again, { key: sampleKey(3) })).result).toEqual({ ok: true })
  })

  describe('damaged metadata is as absent', () => {
    const garbage: [string, (good: Buffer) => Buffer][] = [
      ['empty', () => Buffer.alloc(0)],
      ['text', () => Buffer.from('not metadata at all')],
      ['torn', good => good.subarray(0, good.length >> 1)],
      [
        'of a format to come',
        good => Buffer.concat([good.subarray(0, 3), Buffer.from([99]), good.subarray(4)]),
      ],
      ['a number', () => Buffer.from([7])],
    ]
    test.each(garbage)('%s', async (_name, spoil) => {
      const bad = await storeEntry(store, { key: sampleKey(1), variant: 'bad', responseTime: T0 })
      const good = await storeEntry(store, { key: sampleKey(1), variant: 'good', responseTime: T0 + 1 })
      await need('damage')(sampleKey(1), 'bad', spoil(encodeEntry(bad.entry)))

      expect((await store.lookup(sampleKey(1))).entries).toEqual([good.entry])
      const listed = []
      let cursor: string | undefined
      do {
        const page = await store.list(1, cursor)
        listed.push(...page.items.map(({ entry }) => entry.variant))
        cursor = page.cursor
      } while (cursor !== undefined)
      expect(listed).toEqual(['good'])
    })

    test('it can be written anew, and nothing is counted twice', async () => {
      const { entry } = await storeEntry(store, { key: sampleKey(1) })
      await need('damage')(sampleKey(1), '', Buffer.from('x'))
      const again = await storeEntry(store, { key: sampleKey(1), body: sampleBody('new', 9) })
      expect(again.result).toEqual({ ok: true })
      expect((await store.lookup(sampleKey(1))).entries).toEqual([again.entry])
      expect(await store.usage()).toMatchObject({ entries: 1, bodies: 1, bodyBytes: 9, entryBytes: 9 })
      expect(await store.orphans(T0 * 2, 10)).toEqual([entry.body.id])
    })

    test('eviction can remove it', async () => {
      await storeEntry(store, { key: sampleKey(1) })
      await need('damage')(sampleKey(1), '', Buffer.from('x'))
      expect(await store.remove(await store.leastRecent(10))).toBe(1)
      expect(await store.usage()).toMatchObject({ entries: 0, bodies: 0 })
    })
  })
}
