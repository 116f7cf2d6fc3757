import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Entry, MetadataStore } from '../../../src/engine/ports/index.js'
import { inlineName } from '../../../src/engine/ports/index.js'
import { sampleBody, sampleEntry, sampleKey, T0 } from '../../support/entries.js'
import type { Current } from '../metadata-store.suite.js'

/** Small bodies that are kept with the metadata. */
export function inlineCases(current: Current): void {
  let store: MetadataStore
  beforeEach(() => {
    store = current().store
  })
  const bytes = Buffer.from([0, 255, 13, 10, 128, 1])
  const shared = sampleBody(bytes)
  const body = { ...shared, id: inlineName(shared.digest) }
  const commit = async (overrides: Partial<Entry> = {}, inline: Buffer | null = bytes) => {
    const { fence } = await store.lookup(sampleKey(1))
    const entry = sampleEntry({ key: sampleKey(1), body, stamp: fence, ...overrides })
    const options = { checked: fence, maxVariants: 2 }
    return store.commit(entry, inline === null ? options : { ...options, inline })
  }
  const read = async (id = body.id) => store.inlineBody(id)
  const usage = async () => {
    const { entries, bodies, bodyBytes, entryBytes } = await store.usage()
    return { entries, bodies, bodyBytes, entryBytes }
  }
  const missing = { code: 'STRATA_BODY_MISSING' }

  describe('inline bodies', () => {
    test('need no reservation, and come back byte by byte with an entry that says where they are', async () => {
      expect(await commit()).toEqual({ ok: true })
      expect((await store.lookup(sampleKey(1))).entries[0]!.body).toEqual(body)
      expect(Buffer.compare(await read(), bytes)).toBe(0)
      expect(await usage()).toEqual({ entries: 1, bodies: 1, bodyBytes: 6, entryBytes: 6 })
    })

    test('equal ones are kept once, and go with the last entry that refers to them, in the same step', async () => {
      for (const i of [1, 2, 3]) expect(await commit({ key: sampleKey(i) })).toEqual({ ok: true })
      expect(await usage()).toEqual({ entries: 3, bodies: 1, bodyBytes: 6, entryBytes: 18 })
      const handles = [1, 2, 3].map(i => ({ key: sampleKey(i), variant: '', bodyId: body.id }))
      await store.remove(handles.slice(0, 2))
      expect(Buffer.compare(await read(), bytes)).toBe(0)
      expect(await usage()).toEqual({ entries: 1, bodies: 1, bodyBytes: 6, entryBytes: 6 })
      await store.remove(handles.slice(2))
      await expect(read()).rejects.toMatchObject(missing)
      expect(await usage()).toEqual({ entries: 0, bodies: 0, bodyBytes: 0, entryBytes: 0 })
      // There is nothing to be deleted elsewhere.
      expect(await store.orphans(T0 * 2, 10)).toEqual([])
      expect(await commit()).toEqual({ ok: true })
      expect(Buffer.compare(await read(), bytes)).toBe(0)
    })

    test('an entry that is replaced takes its body along, unless the new one has the same', async () => {
      const other = Buffer.from('other')
      const otherBody = { ...sampleBody(other), id: inlineName(sampleBody(other).digest) }
      await commit()
      await commit()
      expect(Buffer.compare(await read(), bytes)).toBe(0)
      await commit({ body: otherBody }, other)
      await expect(read()).rejects.toMatchObject(missing)
      expect((await read(otherBody.id)).toString()).toBe('other')
      expect(await usage()).toEqual({ entries: 1, bodies: 1, bodyBytes: 5, entryBytes: 5 })
    })

    test('the variant that has to make room takes its body along', async () => {
      for (const [i, variant] of ['a', 'b', 'c'].entries()) {
        const own = Buffer.from(variant)
        const ownBody = { ...sampleBody(own), id: inlineName(sampleBody(own).digest) }
        await commit({ variant, body: ownBody, responseTime: T0 + i }, own)
      }
      expect(await usage()).toEqual({ entries: 2, bodies: 2, bodyBytes: 2, entryBytes: 2 })
      await expect(read(inlineName(sampleBody('a').digest))).rejects.toMatchObject(missing)
    })

    test('a refresh brings no bytes, and keeps those that are there', async () => {
      await commit()
      const { fence, entries } = await store.lookup(sampleKey(1))
      const refreshed = { ...entries[0]!, responseTime: T0 + 5 }
      const options = { checked: fence, maxVariants: 2, expectBody: body.id }
      expect(await store.commit(refreshed, options)).toEqual({ ok: true })
      expect(Buffer.compare(await read(), bytes)).toBe(0)
      expect(await usage()).toEqual({ entries: 1, bodies: 1, bodyBytes: 6, entryBytes: 6 })
    })

    test('without its bytes, a commit for a body that is not there is refused', async () => {
      expect(await commit({}, null)).toEqual({ ok: false, reason: 'body' })
    })

    test('what a refused commit brings is not kept', async () => {
      const { fence } = await store.lookup(sampleKey(1))
      await store.invalidate(['{}'])
      const entry = sampleEntry({ key: sampleKey(1), body, stamp: fence })
      const result = await store.commit(entry, { checked: fence, maxVariants: 2, inline: bytes })
      expect(result).toMatchObject({ ok: false, reason: 'fence' })
      await expect(read()).rejects.toMatchObject(missing)
      expect(await usage()).toEqual({ entries: 0, bodies: 0, bodyBytes: 0, entryBytes: 0 })
    })

    test('an unknown id is missing', async () => {
      await expect(read(inlineName(sampleKey(9)))).rejects.toMatchObject(missing)
    })
  })
}
