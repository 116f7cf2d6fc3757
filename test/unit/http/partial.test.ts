import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { combineParts, completingRange, coversRange, sliceOfPart } from '../../../src/http/partial.js'
import { parseRange } from '../../../src/http/range.js'
import type { StoredRange } from '../../../src/http/stored-response.js'

const middle: StoredRange = { first: 10, last: 19, complete: 100 }
const end: StoredRange = { first: 90, last: 99, complete: 100 }
const unknown: StoredRange = { first: 10, last: 19 }

describe('a range that lies in a stored part (RFC 9111 §3.3, §4)', () => {
  test.each<[StoredRange, string | undefined, [number, number] | undefined]>([
    [middle, 'bytes=10-19', [10, 19]],
    [middle, 'bytes=12-14', [12, 14]],
    [middle, 'bytes=19-19', [19, 19]],
    [middle, 'bytes=9-12', undefined],
    [middle, 'bytes=12-20', undefined],
    [middle, 'bytes=20-21', undefined],
    [middle, 'bytes=12-', undefined],
    [middle, 'bytes=-5', undefined],
    [middle, 'bytes=12-14,16-17', undefined],
    [middle, 'items=12-14', undefined],
    [middle, 'bytes=', undefined],
    [middle, undefined, undefined],
    [end, 'bytes=95-', [95, 99]],
    [end, 'bytes=95-98', [95, 98]],
    [end, 'bytes=95-1000', [95, 99]],
    [end, 'bytes=-5', [95, 99]],
    [end, 'bytes=-10', [90, 99]],
    [end, 'bytes=-11', undefined],
    [end, 'bytes=-0', undefined],
    [end, 'bytes=100-', undefined],
    [end, 'bytes=89-', undefined],
    [unknown, 'bytes=12-14', [12, 14]],
    [unknown, 'bytes=12-', undefined],
    [unknown, 'bytes=-2', undefined],
    [unknown, 'bytes=12-20', undefined],
  ])('%j holds %s: %j', (part, range, expected) => {
    const slice = sliceOfPart(part, part.last - part.first + 1, range)
    expect(coversRange(part, range)).toBe(expected !== undefined)
    if (expected === undefined) expect(slice).toBeUndefined()
    else {
      const [first, last] = expected
      const { complete } = part
      expect(slice).toEqual({ first, last, complete, offset: first - part.first, length: last - first + 1 })
    }
  })

  test('fewer bytes stored than Content-Range said (only under a setting)', () => {
    expect(sliceOfPart(middle, 5, 'bytes=12-18')).toMatchObject({ offset: 2, length: 3, first: 12, last: 14 })
    expect(sliceOfPart(middle, 5, 'bytes=15-18')).toBeUndefined()
    expect(sliceOfPart(end, 5, 'bytes=-3')).toMatchObject({ offset: 2, length: 3, first: 97, last: 99 })
    expect(sliceOfPart(end, 5, 'bytes=-6')).toBeUndefined()
  })
})

test('the range that completes a part (RFC 9110 §15.3.7.3)', () => {
  expect(completingRange({ first: 0, last: 9, complete: 100 })).toBe('bytes=10-')
  expect(completingRange({ first: 0, last: 9 })).toBe('bytes=10-')
  expect(completingRange({ first: 0, last: 99, complete: 100 })).toBeUndefined()
  expect(completingRange({ first: 1, last: 9, complete: 100 })).toBeUndefined()
})

describe('combining parts (RFC 9111 §3.4)', () => {
  const range = { first: 0, last: 4, complete: 20 }
  const next = { first: 5, last: 9, complete: 20 }

  test.each<[string, string | undefined, string | undefined, boolean]>([
    ['equal strong tags', '"a"', '"a"', true],
    ['other tags', '"a"', '"b"', false],
    ['weak tags are not enough', 'W/"a"', 'W/"a"', false],
    ['tags without quotes', 'a', 'a', false],
    ['none stored', undefined, '"a"', false],
    ['none new', '"a"', undefined, false],
    ['none at all', undefined, undefined, false],
  ])('%s', (_name, a, b, combines) => {
    expect(combineParts({ range, etag: a }, { range: next, etag: b }) !== undefined).toBe(combines)
  })

  test.each<[StoredRange, StoredRange, StoredRange | undefined]>([
    [range, next, { first: 0, last: 9, complete: 20 }],
    [next, range, { first: 0, last: 9, complete: 20 }],
    [range, { first: 6, last: 9, complete: 20 }, undefined],
    [{ first: 6, last: 9, complete: 20 }, range, undefined],
    [range, { ...next, complete: 21 }, undefined],
    [range, { first: 5, last: 9 }, { first: 0, last: 9, complete: 20 }],
    [{ first: 0, last: 4 }, next, { first: 0, last: 9, complete: 20 }],
    [
      { first: 0, last: 4 },
      { first: 5, last: 9 },
      { first: 0, last: 9 },
    ],
  ])('%j and %j: %j', (a, b, expected) => {
    const combined = combineParts({ range: a, etag: '"a"' }, { range: b, etag: '"a"' })
    expect(combined?.range).toEqual(expected)
  })
})

const SIZE = 40
const whole = Buffer.from(Array.from({ length: SIZE }, (_, i) => i + 1))
const bounds = fc
  .tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }))
const part = fc
  .record({ bounds, knows: fc.boolean() })
  .map(({ bounds: { first, last }, knows }): StoredRange =>
    knows ? { first, last, complete: SIZE } : { first, last },
  )
const bytesOf = ({ first, last }: { first: number; last: number }, from: Buffer = whole) =>
  from.subarray(first, last + 1)
const rangeText = fc.oneof(
  bounds.map(({ first, last }) => `bytes=${first}-${last}`),
  fc.nat(SIZE + 5).map(first => `bytes=${first}-`),
  fc.nat(SIZE + 5).map(suffix => `bytes=-${suffix}`),
  fc.tuple(fc.nat(SIZE), fc.nat(20)).map(([first, more]) => `bytes=${first}-${SIZE + more}`),
)

test('a slice of a part has the very bytes that the range has in the whole', () => {
  fc.assert(
    fc.property(part, rangeText, (stored, range) => {
      const slice = sliceOfPart(stored, stored.last - stored.first + 1, range)
      if (slice === undefined) return
      const asked = parseRange(range, SIZE)
      const expected = asked.kind === 'ranges' ? bytesOf(asked.ranges[0]!) : Buffer.alloc(0)
      expect(bytesOf(stored).subarray(slice.offset, slice.offset + slice.length)).toEqual(expected)
      expect(bytesOf(slice)).toEqual(expected)
    }),
    { numRuns: 1000 },
  )
})

test('a range that lies in a part whose end is known is found there', () => {
  fc.assert(
    fc.property(bounds, bounds, (stored, { first, last }) => {
      const lies = first >= stored.first && last <= stored.last
      expect(coversRange({ ...stored, complete: SIZE }, `bytes=${first}-${last}`)).toBe(lies)
    }),
    { numRuns: 500 },
  )
})

test('combined parts are the bytes of the whole, the new ones where both have some', () => {
  const fresh = Buffer.from(whole.map(byte => byte + 100))
  fc.assert(
    fc.property(part, part, (a, b) => {
      const combined = combineParts({ range: a, etag: '"x"' }, { range: b, etag: '"x"' })
      const touches = b.first <= a.last + 1 && a.first <= b.last + 1
      expect(combined !== undefined).toBe(touches)
      if (combined === undefined) return
      const old = bytesOf(a)
      const made = Buffer.concat([
        old.subarray(0, combined.before),
        bytesOf(b, fresh),
        old.subarray(combined.afterFrom),
      ])
      const model = Buffer.from(whole)
      fresh.copy(model, b.first, b.first, b.last + 1)
      expect(made).toEqual(bytesOf(combined.range, model))
    }),
    { numRuns: 1000 },
  )
})
