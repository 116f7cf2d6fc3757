import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  formatContentRange,
  MAX_RANGES,
  parseContentRange,
  parseRange,
  parseRangeSpec,
} from '../../../src/http/range.js'

const ranges = (...pairs: [number, number][]) => ({
  kind: 'ranges',
  ranges: pairs.map(([first, last]) => ({ first, last })),
})
const NONE = { kind: 'none' }
const UNSATISFIABLE = { kind: 'unsatisfiable' }

describe('parseRange', () => {
  test.each([
    [undefined, 10, NONE],
    ['bytes=0-1', 11, ranges([0, 1])],
    ['bytes=1-', 11, ranges([1, 10])],
    ['bytes=-1', 11, ranges([10, 10])],
    ['BYTES=0-0', 11, ranges([0, 0])],
    ['bytes=0-99999999999999999999', 10, ranges([0, 9])],
    ['bytes=-99999999999999999999', 10, ranges([0, 9])],
    ['bytes=99999999999999999999-', 10, UNSATISFIABLE],
    ['bytes=9-', 10, ranges([9, 9])],
    ['bytes=10-', 10, UNSATISFIABLE],
    ['bytes=-0', 10, UNSATISFIABLE],
    ['bytes=0-', 0, UNSATISFIABLE],
    ['bytes=-0', 0, UNSATISFIABLE],
    ['bytes=-5', 0, NONE],
    ['bytes=0-1, 4-5', 10, ranges([0, 1], [4, 5])],
    ['bytes=4-5,0-1', 10, ranges([4, 5], [0, 1])],
    ['bytes= ,0-1 ,\t, 20-30,', 10, ranges([0, 1])],
    ['bytes=0-1,-2', 10, ranges([0, 1], [8, 9])],
    ['bytes=0-4,4-5', 10, NONE],
    ['bytes=4-5,0-4', 10, NONE],
    ['bytes=0-,0-', 10, NONE],
    ['bytes=5-4', 10, NONE],
    ['bytes=0-1,5-4', 10, NONE],
    ['bytes=', 10, NONE],
    ['bytes=-', 10, NONE],
    ['bytes=,', 10, NONE],
    ['bytes=a-b', 10, NONE],
    ['bytes=0-1;2', 10, NONE],
    ['bytes=0 - 1', 10, NONE],
    ['bytes=+0-1', 10, NONE],
    ['bytes =0-1', 10, NONE],
    ['bytes', 10, NONE],
    ['bytes 0-1', 10, NONE],
    ['items=0-1', 10, NONE],
    ['', 10, NONE],
  ])('%p of %d', (value, size, expected) => {
    expect(parseRange(value, size)).toEqual(expected)
  })

  test('takes the most ranges that are allowed and no more', () => {
    const list = (n: number) => `bytes=${Array.from({ length: n }, (_, i) => `${i * 2}-${i * 2}`).join(',')}`
    expect(parseRange(list(MAX_RANGES), 100)).toMatchObject({ kind: 'ranges' })
    expect(parseRange(list(MAX_RANGES + 1), 100)).toEqual(NONE)
  })

  test('property: agrees with slicing an array, byte by byte', () => {
    const spec = fc.oneof(
      fc.tuple(fc.nat(25), fc.nat(25)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
      fc.nat(25).map(n => `${n}-`),
      fc.nat(25).map(n => `-${n}`),
    )
    fc.assert(
      fc.property(fc.nat(20), spec, (size, text) => {
        const [from = '', to = ''] = text.split('-')
        const all = Array.from({ length: size }, (_, i) => i)
        const expected =
          from === ''
            ? all.slice(Math.max(size - Number(to), 0))
            : all.slice(Number(from), to === '' ? size : Number(to) + 1)
        const got = parseRange(`bytes=${text}`, size)
        if (got.kind === 'none') expect(size).toBe(0)
        else if (got.kind === 'unsatisfiable') expect(expected).toEqual([])
        else expect(all.slice(got.ranges[0]!.first, got.ranges[0]!.last + 1)).toEqual(expected)
        if (expected.length > 0) expect(got.kind).toBe('ranges')
      }),
      { numRuns: 500 },
    )
  })

  test('property: any text gives ranges inside the representation that do not overlap, or none', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123456789-, '), maxLength: 30 })
    fc.assert(
      fc.property(text, fc.nat(1000), (value, size) => {
        const got = parseRange(`bytes=${value}`, size)
        if (got.kind !== 'ranges') return
        const sorted = [...got.ranges].sort((a, b) => a.first - b.first)
        expect(sorted.length).toBeLessThanOrEqual(MAX_RANGES)
        let end = -1
        for (const { first, last } of sorted) {
          expect(first).toBeGreaterThan(end)
          expect(last).toBeGreaterThanOrEqual(first)
          expect(last).toBeLessThan(size)
          end = last
        }
      }),
      { numRuns: 500 },
    )
  })
})

test.each([
  ['bytes=0-1, 4-, -3', [{ first: 0, last: 1 }, { first: 4 }, { suffix: 3 }]],
  ['bytes=5-4', undefined],
  ['x=1-2', undefined],
  [undefined, undefined],
])('parseRangeSpec %p', (value, expected) => {
  expect(parseRangeSpec(value)).toEqual(expected)
})

describe('parseContentRange', () => {
  test.each([
    ['bytes 4-9/10', { first: 4, last: 9, complete: 10 }],
    ['bytes 0-0/1', { first: 0, last: 0, complete: 1 }],
    ['Bytes 4-9/*', { first: 4, last: 9 }],
    ['bytes */10', { unsatisfied: 10 }],
    ['bytes */0', { unsatisfied: 0 }],
    ['bytes 4-9/9', undefined],
    ['bytes 9-4/10', undefined],
    ['bytes */*', undefined],
    ['bytes 4-9', undefined],
    ['bytes -9/10', undefined],
    ['bytes 4-9/10, bytes 1-2/3', undefined],
    ['bytes=4-9/10', undefined],
    ['items 4-9/10', undefined],
    [`bytes 0-${'9'.repeat(20)}/*`, undefined],
    [`bytes ${'9'.repeat(20)}-5/*`, undefined],
    [`bytes 0-1/${'9'.repeat(20)}`, undefined],
    [`bytes */${'9'.repeat(20)}`, undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%p', (value, expected) => {
    expect(parseContentRange(value)).toEqual(expected)
  })

  test('property: reads what formatContentRange writes', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.option(fc.nat(), { nil: undefined }), (first, length, beyond) => {
        const last = first + length
        const complete = beyond === undefined ? undefined : last + 1 + beyond
        const read = parseContentRange(formatContentRange(first, last, complete))
        expect(read).toEqual(complete === undefined ? { first, last } : { first, last, complete })
      }),
    )
  })
})
