import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { decodeEntry, encodeEntry, ENTRY_FORMAT } from '../../../../src/engine/ports/index.js'
import type { Entry } from '../../../../src/engine/ports/index.js'
import { isStrataError } from '../../../../src/errors.js'
import { sampleEntry } from '../../../support/entries.js'

const count = fc.maxSafeNat()
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 250, maxLength: 400 }),
)
const digest = fc
  .base64String({ minLength: 44, maxLength: 44 })
  .map(s => s.slice(0, 43).replace(/[+/=]/g, '-'))

const smallBody = fc.record({ digest, size: count }).map(({ digest: d, size }) => ({
  id: `s-${d}`,
  size,
  digest: d,
  chunkSize: 0,
  checks: new Uint8Array(0),
}))
const largeBody = fc
  .record({ id: text, size: count, chunkSize: count, crcs: fc.uint8Array({ maxLength: 40 }) })
  .map(({ id, size, chunkSize, crcs }) => ({
    id: `l-${id}`,
    size,
    digest: '',
    chunkSize,
    checks: Uint8Array.from(crcs.subarray(0, crcs.length - (crcs.length % 4))),
  }))

const entries: fc.Arbitrary<Entry> = fc
  .record({
    key: text,
    variant: text,
    method: fc.oneof(fc.constant('GET'), text),
    status: fc.integer({ min: 100, max: 999 }),
    reason: text,
    fields: fc.array(fc.tuple(text, text), { maxLength: 8 }).map(pairs => pairs.flat()),
    requestTime: fc.nat({ max: 4e12 }),
    delay: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    selecting: fc.array(fc.record({ name: text, value: fc.option(text) }), { maxLength: 4 }),
    range: fc.option(
      fc
        .record({ first: fc.nat(), length: fc.nat(), complete: fc.option(count, { nil: undefined }) })
        .map(({ first, length, complete }) => ({
          first,
          last: first + length,
          ...(complete === undefined ? {} : { complete }),
        })),
      { nil: undefined },
    ),
    tile: fc.option(
      fc.record({
        layer: text,
        set: fc.oneof(fc.constant('WebMercatorQuad'), text),
        z: count,
        x: count,
        y: count,
      }),
      { nil: undefined },
    ),
    url: text,
    stamp: fc.record({ epoch: text, seq: count }),
    tags: fc.array(text, { maxLength: 6 }),
    body: fc.oneof(
      smallBody,
      largeBody,
      fc.constant({ id: '', size: 0, digest: '', chunkSize: 0, checks: new Uint8Array(0) }),
    ),
    uselessAt: count,
  })
  .map(({ delay, range, tile, ...rest }) => ({
    ...rest,
    responseTime: rest.requestTime + delay,
    ...(range === undefined ? {} : { range }),
    ...(tile === undefined ? {} : { tile }),
  }))

/** Typed arrays over different memory compare by their numbers. */
const plain = (entry: Entry) => ({ ...entry, body: { ...entry.body, checks: [...entry.body.checks] } })

/** The entry, or undefined for STRATA_DECODE; any other error is let through. */
function decodeOrRefuse(bytes: Uint8Array): Entry | undefined {
  try {
    return decodeEntry('key', 'variant', bytes)
  } catch (error) {
    if (isStrataError(error, 'STRATA_DECODE')) return undefined
    throw error
  }
}

/** What the types promise of an entry, said once more and independently of the codec's own checks. */
function expectValid(entry: Entry): void {
  const texts = [entry.method, entry.reason, entry.url, entry.stamp.epoch, entry.body.id, entry.body.digest]
  expect([...texts, ...entry.fields, ...entry.tags].every(t => typeof t === 'string')).toBe(true)
  const numbers = [entry.requestTime, entry.stamp.seq, entry.body.size, entry.body.chunkSize, entry.uselessAt]
  expect(numbers.every(n => Number.isSafeInteger(n) && n >= 0)).toBe(true)
  expect(Number.isInteger(entry.responseTime)).toBe(true)
  expect(entry.status >= 100 && entry.status <= 999).toBe(true)
  expect(entry.fields.length % 2).toBe(0)
  expect(entry.body.checks).toBeInstanceOf(Uint8Array)
  for (const { name, value } of entry.selecting) {
    expect(typeof name).toBe('string')
    expect(value === null || typeof value === 'string').toBe(true)
  }
  if (entry.tile) {
    const { layer, set, z, x, y } = entry.tile
    expect([typeof layer, typeof set]).toEqual(['string', 'string'])
    expect([z, x, y].every(n => Number.isSafeInteger(n) && n >= 0)).toBe(true)
  }
  if (entry.range) {
    const { first, last, complete } = entry.range
    expect(first >= 0 && last >= first).toBe(true)
    expect(complete === undefined || (Number.isSafeInteger(complete) && complete >= 0)).toBe(true)
  }
}

describe('entry codec', () => {
  test('any entry comes back as it was', () => {
    fc.assert(
      fc.property(entries, entry => {
        const found = decodeEntry(entry.key, entry.variant, encodeEntry(entry))
        expect(plain(found)).toEqual(plain(entry))
      }),
      { numRuns: 500 },
    )
  })

  test('an encoded entry does not change with what the encoder writes next', () => {
    fc.assert(
      fc.property(entries, entries, (a, b) => {
        const bytes = encodeEntry(a)
        encodeEntry(b)
        expect(plain(decodeEntry(a.key, a.variant, bytes))).toEqual(plain(a))
      }),
      { numRuns: 100 },
    )
  })

  test('cut off anywhere, it is refused', () => {
    fc.assert(
      fc.property(entries, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (entry, part) => {
        const bytes = encodeEntry(entry)
        expect(decodeOrRefuse(bytes.subarray(0, Math.floor(bytes.length * part)))).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  test('every cut of one entry is refused', () => {
    const bytes = encodeEntry(sampleEntry({ range: { first: 0, last: 9 } }))
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeOrRefuse(bytes.subarray(0, length))).toBeUndefined()
    }
  })

  test('any flipped bit is refused or gives a valid entry, never another error', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat({ max: 7 }), (entry, at, bit) => {
        const bytes = Buffer.from(encodeEntry(entry))
        bytes[at % bytes.length]! ^= 1 << bit
        const found = decodeOrRefuse(bytes)
        if (found !== undefined) expectValid(found)
      }),
      { numRuns: 3_000 },
    )
  })

  test('every flipped bit of one entry is refused or gives a valid entry', () => {
    const bytes = encodeEntry(sampleEntry({ range: { first: 0, last: 9, complete: 20 } }))
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const spoiled = Buffer.from(bytes)
        spoiled[at]! ^= 1 << bit
        const found = decodeOrRefuse(spoiled)
        if (found !== undefined) expectValid(found)
      }
    }
  })

  test('random bytes are refused or give a valid entry', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
        const found = decodeOrRefuse(bytes)
        if (found !== undefined) expectValid(found)
      }),
      { numRuns: 1_000 },
    )
  })

  describe('with one value exchanged', () => {
    const packr = new Packr({ useRecords: false })
    const row = packr.unpack(
      encodeEntry(sampleEntry({ range: { first: 0, last: 9, complete: 20 } })),
    ) as unknown[]
    const strange: unknown[] = [
      null,
      -1,
      1.5,
      NaN,
      'x',
      '',
      true,
      [],
      {},
      [1],
      ['a'],
      ['a', 1],
      [null, 'a'],
      [9, 0, 1],
    ]
    strange.push(2 ** 60, new Map([[1, 2]]), new Date(0), Buffer.from('abc'), [0, 9, 1.5], 'x'.repeat(1000))

    test.each(row.map((_, i) => i))('element %d', i => {
      let refused = 0
      for (const value of strange) {
        const found = decodeOrRefuse(packr.pack(row.with(i, value)))
        if (found === undefined) refused++
        else expectValid(found)
      }
      expect(refused).toBeGreaterThan(10)
    })

    test('another format version, fewer and more elements are refused', () => {
      expect(decodeOrRefuse(packr.pack(row))).toBeDefined()
      expect(decodeOrRefuse(packr.pack(row.with(0, ENTRY_FORMAT + 1)))).toBeUndefined()
      expect(decodeOrRefuse(packr.pack(row.slice(0, -1)))).toBeUndefined()
      expect(decodeOrRefuse(packr.pack([...row, 0]))).toBeUndefined()
      expect(decodeOrRefuse(packr.pack({ ...row }))).toBeUndefined()
    })
  })
})
