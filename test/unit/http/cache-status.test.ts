import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseList, Token } from 'structured-headers'
import { appendCacheStatus, formatCacheStatus, type CacheStatus } from '../../../src/http/cache-status.js'

const FWD = ['bypass', 'method', 'uri-miss', 'vary-miss', 'miss', 'request', 'stale', 'partial'] as const

test.each([
  [{ cache: 'Strata', hit: true, ttl: 376 }, 'Strata; hit; ttl=376'],
  [{ cache: 'Strata', hit: true, fwd: 'stale', ttl: -412 }, 'Strata; hit; ttl=-412'],
  [
    { cache: 'Strata', fwd: 'stale', fwdStatus: 304, collapsed: true, stored: false },
    'Strata; fwd=stale; fwd-status=304; collapsed',
  ],
  [{ cache: 'Strata', fwd: 'uri-miss', stored: true, ttl: 60.9 }, 'Strata; fwd=uri-miss; ttl=60; stored'],
  [{ cache: 'my cache', hit: false }, '"my cache"'],
  [{ cache: '' }, '""'],
  [{ cache: '1a"\\' }, '"1a\\"\\\\"'],
  [{ cache: 'a', key: 'http://x/é\n' }, 'a; key="http://x/??"'],
  [{ cache: 'a', detail: 'no-store' }, 'a; detail=no-store'],
  [{ cache: 'a', detail: 'no way' }, 'a; detail="no way"'],
  [{ cache: 'a', ttl: Infinity }, 'a; ttl=999999999999999'],
  [{ cache: 'a', ttl: -Infinity }, 'a; ttl=-999999999999999'],
  [{ cache: 'a', ttl: -0.5 }, 'a; ttl=0'],
  [{ cache: 'a', ttl: NaN }, 'a'],
] as [CacheStatus, string][])('%j', (status, expected) => {
  expect(formatCacheStatus(status)).toBe(expected)
})

describe('appendCacheStatus', () => {
  test.each([
    [undefined, 'b; hit'],
    ['', 'b; hit'],
    [' ', 'b; hit'],
    ['Origin; hit', 'Origin; hit, b; hit'],
  ])('after %p', (existing, expected) => {
    expect(appendCacheStatus(existing, { cache: 'b', hit: true })).toBe(expected)
  })
})

test('property: always a Structured Field that says the same', () => {
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const status = fc.record({
    cache: fc.string({ unit: 'binary' }),
    hit: optional(fc.boolean()),
    fwd: optional(fc.constantFrom(...FWD)),
    fwdStatus: optional(fc.integer({ min: 100, max: 599 })),
    ttl: optional(fc.double({ noNaN: true })),
    stored: optional(fc.boolean()),
    collapsed: optional(fc.boolean()),
    key: optional(fc.string({ unit: 'binary' })),
    detail: optional(fc.string()),
  })
  const text = (value: unknown) => (value instanceof Token ? value.toString() : value)
  // One `?` for each UTF-16 unit, as the formatter writes it.
  const ascii = (s: string) => s.replace(/[^ -~]/g, '?')
  fc.assert(
    fc.property(status, s => {
      const [[, first], [cache, params]] = parseList(appendCacheStatus('Origin;hit', s)) as [
        [unknown, Map<string, unknown>],
        [unknown, Map<string, unknown>],
      ]
      expect(first.get('hit')).toBe(true)
      expect(text(cache)).toBe(ascii(s.cache))
      expect(params.get('hit')).toBe(s.hit === true ? true : undefined)
      expect(text(params.get('fwd'))).toBe(s.hit === true ? undefined : s.fwd)
      expect(params.get('fwd-status')).toBe(s.fwdStatus)
      expect(params.get('stored')).toBe(s.stored === true ? true : undefined)
      expect(params.get('collapsed')).toBe(s.collapsed === true ? true : undefined)
      expect(params.get('key')).toBe(s.key === undefined ? undefined : ascii(s.key))
      expect(text(params.get('detail'))).toBe(s.detail === undefined ? undefined : ascii(s.detail))
      expect(params.has('ttl')).toBe(s.ttl !== undefined)
      if (s.ttl !== undefined) expect(Number.isInteger(params.get('ttl'))).toBe(true)
    }),
    { numRuns: 500 },
  )
})
