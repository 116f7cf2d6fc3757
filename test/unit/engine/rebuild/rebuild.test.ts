import { describe, expect, test } from '@jest/globals'
import { CHUNK_BYTES, ChunkChecksums, digestOf } from '../../../../src/engine/body/checks.js'
import { newMark } from '../../../../src/engine/fence/mark.js'
import type { BodyRef, Entry } from '../../../../src/engine/ports/index.js'
import { encodeNote } from '../../../../src/engine/rebuild/note.js'
import { Rebuild } from '../../../../src/engine/rebuild/rebuild.js'
import { sampleEntry, sampleKey, storeEntry, T0 } from '../../../support/entries.js'
import { sweptStore } from '../../../support/swept-store.js'

/** A store that knows nothing, bodies with notes beside them, and a horizon. */
async function made() {
  const store = await sweptStore()
  const { metadata, fence, time } = store
  const noted = new Map<string, string>()
  let horizon = 0
  const notes = {
    read: async (id: string) => noted.get(id),
    horizon: async () => horizon,
    raiseHorizon: async (to: number) => void (horizon = to),
  }
  const bodies = Object.assign(store.bodies, { notes })
  const rebuild = new Rebuild({ metadata, bodies, fence, clock: time, maxVariants: 9, reservationMs: 1000 })
  const leave = async (name: string, overrides: Partial<Entry> = {}) => {
    const bytes = Buffer.from(name)
    const digest = digestOf(bytes)
    const body: BodyRef = {
      ...{ id: `s-${digest}`, size: bytes.length, digest, chunkSize: 0, checks: new Uint8Array(0) },
      ...overrides.body,
    }
    const url = `http://h/${name}`
    const entry = sampleEntry({ key: sampleKey(name), url, requestTime: T0, ...overrides, body })
    await bodies.put(body.id, bytes)
    noted.set(body.id, encodeNote(entry, body)!)
    return { entry, id: body.id, size: bytes.length }
  }
  const takeAll = async (...left: { id: string; size: number }[]) => {
    const standing = await rebuild.standing()
    return Promise.all(left.map(({ id, size }) => rebuild.take(id, size, standing, false)))
  }
  return { ...store, bodies, noted, notes, rebuild, leave, takeAll }
}

describe('entries from what lies beside their bodies', () => {
  test('all of the entry but its stamp is as it was', async () => {
    const { leave, takeAll, metadata, fence, names } = await made()
    const { entry, ...left } = await leave('a', { variant: 'v' })
    expect(await takeAll(left)).toEqual([true])
    const { entries } = await metadata.lookup(entry.key)
    expect(entries).toEqual([{ ...entry, stamp: fence.state() }])
    expect(fence.verdict(entries[0]!)).toBe('live')
    expect(await names()).toEqual(['a'])
    // The ledger has it as one that is referred to: twice is no other than once.
    expect(await metadata.unknownBodies([left.id])).toEqual([])
    expect(await metadata.orphans(T0 * 2, 10)).toEqual([])
  })

  test('what was fetched by the horizon stays away, to the millisecond: it may have been purged', async () => {
    const { leave, takeAll, notes, names } = await made()
    await notes.raiseHorizon(T0)
    const [by, after] = [await leave('by'), await leave('after', { requestTime: T0 + 1 })]
    expect(await takeAll(by, after)).toEqual([false, true])
    expect(await names()).toEqual(['after'])
  })

  test('an invalidation after the stamp holds, whether noted or not', async () => {
    const { leave, rebuild, fence, names } = await made()
    const [a, b] = [await leave('a'), await leave('b')]
    const standing = await rebuild.standing()
    await fence.invalidate([newMark({ url: 'http://h/a' }, { at: T0 })])
    expect(await rebuild.take(a.id, a.size, standing, false)).toBe(false)
    expect(await rebuild.take(b.id, b.size, standing, false)).toBe(true)
    expect(await names()).toEqual(['b'])
  })

  test('an invalidation between the stamp and the reading of the horizon holds', async () => {
    const { leave, rebuild, fence, notes, names } = await made()
    const left = await leave('a')
    const horizon = notes.horizon
    notes.horizon = async () => {
      await fence.invalidate([newMark({ all: true }, { at: T0 })])
      return horizon()
    }
    expect(await rebuild.take(left.id, left.size, await rebuild.standing(), false)).toBe(false)
    expect(await names()).toEqual([])
  })

  test('a fill that came first stays, and so does the later of two bodies, in whichever order', async () => {
    const { leave, takeAll, metadata } = await made()
    const key = sampleKey('one')
    const old = await leave('old', { key, responseTime: T0 + 1 })
    const late = await leave('late', { key, responseTime: T0 + 2 })
    expect(await takeAll(late)).toEqual([true])
    expect(await takeAll(old)).toEqual([false])
    expect((await metadata.lookup(key)).entries[0]!.body.id).toBe(late.id)
    const filled = await storeEntry(metadata, { key, responseTime: T0 + 3 })
    expect(filled.result).toEqual({ ok: true })
    const other = await leave('other', { key, responseTime: T0 + 3 })
    expect(await takeAll(other)).toEqual([false])
    expect((await metadata.lookup(key)).entries[0]!.body.id).toBe(filled.entry.body.id)
    // What was not wanted is an orphan at once.
    expect(await metadata.orphans(T0, 10)).toContain(other.id)
  })

  test('a large body: its length and checksums are measured', async () => {
    const { leave, takeAll, metadata, bodies } = await made()
    const bytes = Buffer.alloc(CHUNK_BYTES + 100, 'x')
    const body = { id: 'l-1', size: 0, digest: '', chunkSize: CHUNK_BYTES, checks: new Uint8Array(0) }
    const { entry } = await leave('large', { body })
    await bodies.put('l-1', bytes)
    expect(await takeAll({ id: 'l-1', size: bytes.length })).toEqual([true])
    const checks = new ChunkChecksums()
    checks.update(bytes)
    expect((await metadata.lookup(entry.key)).entries[0]!.body).toEqual({
      ...body,
      size: bytes.length,
      checks: checks.finish(),
    })
  })

  test('no note, one of another body, a length that is not that of the body or the part, and what is past all use: nothing', async () => {
    const { leave, takeAll, noted, names, time } = await made()
    const bare = await leave('bare')
    noted.delete(bare.id)
    const [a, b] = [await leave('a'), await leave('b')]
    noted.set(a.id, noted.get(b.id)!)
    const part = await leave('part', { status: 206, range: { first: 0, last: 9, complete: 100 } })
    const useless = await leave('useless', { uselessAt: time.now() })
    const results = await takeAll(bare, a, { ...b, size: 2 }, part, useless, { id: 'absent', size: 1 })
    expect(results).toEqual(Array(6).fill(false))
    expect(await names()).toEqual([])
  })

  test('everything is lost once more meanwhile: it stops, for what is left are no strays', async () => {
    const { rebuild, metadata, fence } = await made()
    await rebuild.standing()
    const lost = { epoch: 'another', seq: 0 }
    metadata.marksAfter = async () => ({ fence: lost, marks: [], floor: 0, retired: 0 })
    await expect(rebuild.standing()).rejects.toMatchObject({ code: 'STRATA_STORE_UNAVAILABLE' })
    expect(fence.state().epoch).toBe('another')
  })
})
