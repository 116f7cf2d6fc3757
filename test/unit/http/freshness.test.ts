import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { currentAge, dateOf, initialAge, mayBeImplicit } from '../../../src/http/freshness.js'
import type { PolicyRule } from '../../../src/http/policy-rule.js'
import { CAME, dateAt, fieldsOf, policyFor } from '../../support/responses.js'

type Fields = Record<string, string | readonly string[]>
const lifetimeOf = (fields: Fields, status = 200, rule: Partial<PolicyRule> = {}) => {
  const { lifetime, source, explicit } = policyFor(fields, { status, rule })
  return { lifetime, source, explicit }
}
const Date0 = dateAt(0)

describe('freshness lifetime (RFC 9111 §4.2.1)', () => {
  test.each<[string, Fields, number, string]>([
    ['s-maxage before max-age (§5.2.2.10)', { 'Cache-Control': 's-maxage=5, max-age=60' }, 5, 's-maxage'],
    ['s-maxage that comes second', { 'Cache-Control': 'max-age=60, s-maxage=5' }, 5, 's-maxage'],
    ['max-age before Expires (§5.3)', { 'Cache-Control': 'max-age=60', Expires: dateAt(5) }, 60, 'max-age'],
    ['max-age=0 before Expires', { 'Cache-Control': 'max-age=0', Expires: dateAt(60) }, 0, 'max-age'],
    ['max-age that is no number counts as stale', { 'Cache-Control': 'max-age=1.5' }, 0, 'max-age'],
    ['s-maxage that is no number, too', { 'Cache-Control': 's-maxage=x, max-age=60' }, 0, 's-maxage'],
    ['quoted max-age', { 'Cache-Control': 'max-age="60"' }, 60, 'max-age'],
    ['the first of two (§4.2.1)', { 'Cache-Control': 'max-age=1, max-age=60' }, 1, 'max-age'],
    ['beyond 2^31 (§1.2.2)', { 'Cache-Control': 'max-age=99999999999' }, 2_147_483_648, 'max-age'],
    ['Expires − Date', { Date: Date0, Expires: dateAt(60) }, 60, 'expires'],
    ['Expires − another Date', { Date: dateAt(-30), Expires: dateAt(60) }, 90, 'expires'],
    ['Expires in the past', { Date: Date0, Expires: dateAt(-60) }, 0, 'expires'],
    ['Expires: 0 is invalid, so past (§5.3)', { Date: Date0, Expires: '0' }, 0, 'expires'],
    ['Expires in two lines', { Date: Date0, Expires: [dateAt(60), dateAt(60)] }, 0, 'expires'],
    ['Expires without Date: since it came', { Expires: dateAt(60) }, 60, 'expires'],
    ['Expires with an invalid Date', { Date: 'now', Expires: dateAt(60) }, 60, 'expires'],
    [
      'targeted before all (RFC 9213 §2.2)',
      { 'CDN-Cache-Control': 'max-age=7', 'Cache-Control': 's-maxage=5', Expires: dateAt(60) },
      7,
      'max-age',
    ],
    [
      'with a targeted field Expires is void',
      { 'CDN-Cache-Control': 'public', Date: Date0, Expires: dateAt(60) },
      0,
      'none',
    ],
    [
      'an invalid targeted field is void',
      { 'CDN-Cache-Control': 'max-age="7"', 'Cache-Control': 'max-age=60' },
      60,
      'max-age',
    ],
    ['nothing', {}, 0, 'none'],
  ])('%s', (_name, fields, lifetime, source) => {
    expect(lifetimeOf(fields)).toEqual({ lifetime, source, explicit: source !== 'none' })
  })
})

describe('heuristic freshness (§4.2.2)', () => {
  const modified = { Date: Date0, 'Last-Modified': dateAt(-1000) }

  test.each([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501])('%i may have it', status => {
    expect(mayBeImplicit(status, false, () => true)).toBe(true)
    expect(mayBeImplicit(status, true, () => false)).toBe(false)
    expect(lifetimeOf(modified, status)).toEqual({ lifetime: 100, source: 'heuristic', explicit: false })
  })

  test.each([201, 202, 302, 303, 307, 400, 401, 403, 429, 451, 500, 502, 503, 504, 599])(
    '%i may not, unless it is marked public',
    status => {
      expect(mayBeImplicit(status, false, () => true)).toBe(false)
      expect(lifetimeOf(modified, status)).toEqual({ lifetime: 0, source: 'none', explicit: false })
      expect(lifetimeOf({ ...modified, 'Cache-Control': 'public' }, status)).toMatchObject({ lifetime: 100 })
    },
  )

  test.each<[string, Fields, number, string]>([
    ['at most heuristicMax', { Date: Date0, 'Last-Modified': dateAt(-10_000_000) }, 86_400, 'heuristic'],
    ['Last-Modified after Date', { Date: Date0, 'Last-Modified': dateAt(50) }, 0, 'heuristic'],
    [
      'counted to Date, not to when it came',
      { Date: dateAt(-500), 'Last-Modified': dateAt(-1000) },
      50,
      'heuristic',
    ],
    ['invalid Last-Modified', { Date: Date0, 'Last-Modified': 'yesterday' }, 0, 'none'],
    ['no Last-Modified', { Date: Date0 }, 0, 'none'],
    ['explicit freshness goes before it', { ...modified, 'Cache-Control': 'max-age=1' }, 1, 'max-age'],
  ])('%s', (_name, fields, lifetime, source) => {
    expect(lifetimeOf(fields)).toMatchObject({ lifetime, source })
  })

  test('a fraction of 0 switches it off', () => {
    expect(lifetimeOf(modified, 200, { heuristicFraction: 0 })).toMatchObject({ lifetime: 0, source: 'none' })
  })
})

describe('what a rule says of freshness', () => {
  const rule = { ttl: 30, statusTtl: { '404': 7, '4xx': 8, '5xx': 9 } }
  test.each<[string, Fields, number, Partial<PolicyRule>, number, string]>([
    [
      'an override goes before everything',
      { 'Cache-Control': 's-maxage=5' },
      200,
      { overrideTtl: 100 },
      100,
      'override',
    ],
    ['an override of 0', { 'Cache-Control': 's-maxage=5' }, 200, { overrideTtl: 0 }, 0, 'override'],
    ['ttl fills the gap', {}, 200, rule, 30, 'rule'],
    [
      'ttl of 0 stands for the heuristic, too',
      { 'Last-Modified': dateAt(-1000) },
      200,
      { ttl: 0 },
      0,
      'rule',
    ],
    ['ttl comes after what the origin says', { 'Cache-Control': 'max-age=1' }, 200, rule, 1, 'max-age'],
    ['ttl only where a heuristic could', {}, 302, rule, 0, 'none'],
    ['by status', {}, 404, rule, 7, 'status-rule'],
    ['by class', {}, 410, rule, 8, 'status-rule'],
    ['by class, whatever the status', {}, 503, rule, 9, 'status-rule'],
    ['by status comes after what the origin says', { Expires: dateAt(60) }, 404, rule, 60, 'expires'],
  ])('%s', (_name, fields, status, own, lifetime, source) => {
    expect(lifetimeOf(fields, status, own)).toEqual({ lifetime, source, explicit: source !== 'none' })
  })
})

describe('age (§4.2.3)', () => {
  const response = (fields: Fields, delay = 0) => ({
    fields: fieldsOf(fields),
    requestTime: CAME - delay,
    responseTime: CAME,
  })

  test.each<[string, Fields, number, number]>([
    ['none', { Date: Date0 }, 0, 0],
    ['Age', { Date: Date0, Age: '30' }, 0, 30_000],
    ['apparent age', { Date: dateAt(-40), Age: '30' }, 0, 40_000],
    ['Age greater than apparent', { Date: dateAt(-20), Age: '30' }, 0, 30_000],
    ['a slow response is that much older', { Date: Date0, Age: '30' }, 2500, 32_500],
    ['a slow response without Age', { Date: Date0 }, 2500, 2500],
    ['a Date in the future makes nothing younger', { Date: dateAt(100) }, 0, 0],
    ['an invalid Age is none', { Date: Date0, Age: '-3' }, 0, 0],
    ['no Date: when it came', {}, 0, 0],
  ])('initial: %s', (_name, fields, delay, expected) => {
    expect(initialAge(response(fields, delay))).toBe(expected)
  })

  test('current: resident time is added; a clock set back takes nothing off', () => {
    expect(currentAge(1000, CAME, CAME + 500)).toBe(1500)
    expect(currentAge(1000, CAME, CAME - 500)).toBe(1000)
  })

  test('Date, or when it came (RFC 9110 §6.6.1)', () => {
    expect(dateOf(response({ Date: dateAt(-5) }))).toBe(CAME - 5000)
    expect(dateOf(response({ Date: 'soon' }))).toBe(CAME)
    expect(dateOf(response({}))).toBe(CAME)
  })
})

const seconds = fc.integer({ min: -1_000_000, max: 1_000_000 })
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })

test('neither freshness nor age is ever negative or no number', () => {
  fc.assert(
    fc.property(
      fc.record({
        date: maybe(seconds),
        expires: maybe(fc.oneof(seconds.map(dateAt), fc.string())),
        modified: maybe(seconds),
        age: maybe(fc.oneof(fc.integer().map(String), fc.string())),
        cacheControl: maybe(fc.string()),
        status: fc.integer({ min: 100, max: 599 }),
        delay: fc.integer({ min: -10_000, max: 10_000 }),
        later: fc.integer({ min: -10_000, max: 10_000 }),
      }),
      ({ date, expires, modified, age, cacheControl, status, delay, later }) => {
        const fields: Record<string, string> = {}
        if (date !== undefined) fields['Date'] = dateAt(date)
        if (expires !== undefined) fields['Expires'] = expires
        if (modified !== undefined) fields['Last-Modified'] = dateAt(modified)
        if (age !== undefined) fields['Age'] = age
        if (cacheControl !== undefined) fields['Cache-Control'] = cacheControl
        expect(lifetimeOf(fields, status).lifetime).toBeGreaterThanOrEqual(0)
        const initial = initialAge({
          fields: fieldsOf(fields),
          requestTime: CAME - delay,
          responseTime: CAME,
        })
        expect(initial).toBeGreaterThanOrEqual(0)
        expect(currentAge(initial, CAME, CAME + later)).toBeGreaterThanOrEqual(initial)
      },
    ),
    { numRuns: 300 },
  )
})
