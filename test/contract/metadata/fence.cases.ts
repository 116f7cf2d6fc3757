import { beforeEach, describe, expect, test } from '@jest/globals'
import type { LoggedMark, MetadataStore } from '../../../src/engine/ports/index.js'
import { sampleKey, storeEntry } from '../../support/entries.js'
import type { Current } from '../metadata-store.suite.js'

/** The fence: invalidate, the log of marks, and the commits that it refuses. */
export function fenceCases(current: Current): void {
  let store: MetadataStore
  beforeEach(() => {
    store = current().store
  })
  const key = sampleKey('a')
  const fenceNow = async () => (await store.lookup(key)).fence

  describe('invalidate', () => {
    test('raises the counter once and logs all marks with the new seq', async () => {
      const before = await fenceNow()
      const after = await store.invalidate(['{"all":true}', '{"tag":"a"}', '{"tag":"b"}'])
      expect(after).toEqual({ epoch: before.epoch, seq: before.seq + 1 })
      expect(await fenceNow()).toEqual(after)
      const page = await store.marksAfter(before.seq, 100)
      expect(page.fence).toEqual(after)
      expect(page.marks).toEqual(
        ['{"all":true}', '{"tag":"a"}', '{"tag":"b"}'].map(mark => ({ seq: after.seq, mark })),
      )
      expect(await store.markCount()).toBe(3)
    })

    test('the next lookup of any key sees the new fence', async () => {
      for (let i = 0; i < 20; i++) {
        const after = await store.invalidate([`m${i}`])
        const { fence } = await store.lookup(sampleKey(i))
        expect(fence).toEqual(after)
      }
    })

    test('invalidations at the same time get a seq each, and no mark is lost', async () => {
      const { seq } = await fenceNow()
      const fences = await Promise.all(Array.from({ length: 40 }, (_, i) => store.invalidate([`m${i}`])))
      expect(fences.map(f => f.seq).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 40 }, (_, i) => seq + 1 + i),
      )
      const { marks } = await store.marksAfter(seq, 100)
      expect(marks.map(m => m.seq)).toEqual(Array.from({ length: 40 }, (_, i) => seq + 1 + i))
      for (const { seq: s, mark } of marks) expect(fences[Number(mark.slice(1))]!.seq).toBe(s)
    })

    test('equal marks are kept each, and a mark of 4 KiB comes back whole', async () => {
      const long = JSON.stringify({ url: 'ü'.repeat(2_030) })
      const { seq } = await fenceNow()
      await store.invalidate(['same', 'same'])
      await store.invalidate(['same', long])
      expect((await store.marksAfter(seq, 10)).marks.map(m => m.mark)).toEqual(['same', 'same', 'same', long])
    })
  })

  describe('marksAfter', () => {
    test('a new log is empty', async () => {
      const fence = await fenceNow()
      expect(await store.marksAfter(fence.seq, 10)).toMatchObject({ fence, marks: [] })
      expect(await store.markCount()).toBe(0)
    })

    test('pages reach the fence in order', async () => {
      const start = (await fenceNow()).seq
      for (let i = 0; i < 10; i++) await store.invalidate([`m${i}`])
      const seen: LoggedMark[] = []
      let after = start
      for (;;) {
        const page = await store.marksAfter(after, 3)
        expect(page.marks.length).toBeLessThanOrEqual(3)
        seen.push(...page.marks)
        if (page.marks.length < 3) break
        after = page.marks.at(-1)!.seq
      }
      expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => ({ seq: start + 1 + i, mark: `m${i}` })))
    })

    test('marks of one seq are never split over two pages: the rest of the last seq comes along', async () => {
      const start = (await fenceNow()).seq
      await store.invalidate(['a'])
      await store.invalidate(['b', 'c', 'd'])
      await store.invalidate(['e'])
      const page = await store.marksAfter(start, 2)
      expect(page.marks.map(m => m.mark)).toEqual(['a', 'b', 'c', 'd'])
      expect((await store.marksAfter(page.marks.at(-1)!.seq, 2)).marks.map(m => m.mark)).toEqual(['e'])
    })

    test('order holds over more marks than one digit of seq', async () => {
      const start = (await fenceNow()).seq
      for (let i = 0; i < 130; i++) await store.invalidate([`m${i}`])
      const { marks } = await store.marksAfter(start + 95, 20)
      expect(marks.map(m => m.mark)).toEqual(Array.from({ length: 20 }, (_, i) => `m${i + 95}`))
    })
  })

  describe('retireMarks', () => {
    test('drops marks up to the seq; floor stays', async () => {
      const start = (await fenceNow()).seq
      const { floor } = await store.marksAfter(start, 1)
      for (const mark of ['a', 'b', 'c']) await store.invalidate([mark, `${mark}2`])
      await store.retireMarks(start + 2, false)
      const page = await store.marksAfter(start, 10)
      expect(page.marks).toEqual([
        { seq: start + 3, mark: 'c' },
        { seq: start + 3, mark: 'c2' },
      ])
      expect(page).toMatchObject({ retired: start + 2, floor, fence: { seq: start + 3 } })
      expect(await store.markCount()).toBe(2)
    })

    test('with fold, floor rises as well', async () => {
      const { seq } = await store.invalidate(['a'])
      await store.retireMarks(seq, true)
      expect(await store.marksAfter(0, 10)).toMatchObject({ marks: [], retired: seq, floor: seq })
    })

    test('landing late or twice moves nothing back', async () => {
      await store.invalidate(['a'])
      const { seq } = await store.invalidate(['b'])
      await store.retireMarks(seq, true)
      for (const [upTo, fold] of [
        [seq - 1, true],
        [seq - 1, false],
        [seq, false],
        [0, true],
      ] as const) {
        await store.retireMarks(upTo, fold)
        expect(await store.marksAfter(0, 10)).toMatchObject({ retired: seq, floor: seq, fence: { seq } })
      }
    })

    test('the seq goes on after all marks have gone', async () => {
      const { seq } = await store.invalidate(['a'])
      await store.retireMarks(seq, false)
      expect((await store.invalidate(['b'])).seq).toBe(seq + 1)
    })
  })

  describe('commits against the fence', () => {
    test('refused when an invalidation came after the check; the answer carries the new fence', async () => {
      const checked = await fenceNow()
      const fence = await store.invalidate(['{"all":true}'])
      const { result } = await storeEntry(store, { key, stamp: checked }, { checked })
      expect(result).toEqual({ ok: false, reason: 'fence', fence })
      expect((await store.lookup(key)).entries).toEqual([])
      expect(await store.usage()).toMatchObject({ entries: 0, bodies: 0 })
    })

    test('an older stamp that was checked up to the fence of now is taken, and kept', async () => {
      const stamp = await fenceNow()
      const checked = await store.invalidate(['{"key":"another"}'])
      const { result } = await storeEntry(store, { key, stamp }, { checked })
      expect(result).toEqual({ ok: true })
      expect((await store.lookup(key)).entries[0]!.stamp).toEqual(stamp)
    })

    test('refused when checked against another epoch', async () => {
      const fence = await fenceNow()
      const { result } = await storeEntry(store, { key }, { checked: { epoch: 'another', seq: fence.seq } })
      expect(result).toEqual({ ok: false, reason: 'fence', fence })
    })

    test('refused when stamped in another epoch', async () => {
      const fence = await fenceNow()
      const { result } = await storeEntry(store, { key, stamp: { epoch: 'another', seq: fence.seq } })
      expect(result).toEqual({ ok: false, reason: 'fence', fence })
    })

    test.each([true, false])(
      'refused for good when the stamp is below the retired marks (fold: %s)',
      async fold => {
        const stamp = await fenceNow()
        const checked = await store.invalidate(['a'])
        await store.retireMarks(checked.seq, fold)
        const old = await storeEntry(store, { key, stamp }, { checked })
        expect(old.result).toEqual({ ok: false, reason: 'expired-stamp' })
        expect((await store.lookup(key)).entries).toEqual([])
        const fresh = await storeEntry(store, { key, stamp: checked }, { checked })
        expect(fresh.result).toEqual({ ok: true })
      },
    )

    test('a changed fence is said before an expired stamp and a lost body', async () => {
      const stamp = await fenceNow()
      const checked = await store.invalidate(['a'])
      await store.retireMarks(checked.seq, false)
      await store.invalidate(['b'])
      expect((await storeEntry(store, { key, stamp }, { checked, expectBody: 'x' })).result).toMatchObject({
        reason: 'fence',
      })
    })

    test('an invalidation removes nothing by itself', async () => {
      const { entry } = await storeEntry(store, { key })
      await store.invalidate(['{"all":true}'])
      expect((await store.lookup(key)).entries).toEqual([entry])
    })
  })
}
