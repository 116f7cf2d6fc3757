import { describe, expect, test } from '@jest/globals'
import type { PolicyRule } from '../../../src/http/policy-rule.js'
import { hasValidator, understandsStatus } from '../../../src/http/policy.js'
import { CAME, dateAt, policyFor } from '../../support/responses.js'

type Fields = Record<string, string | readonly string[]>
const cc = (value: string, rule: Partial<PolicyRule> = {}) => policyFor({ 'Cache-Control': value }, { rule })

describe('restrictions (RFC 9111 §5.2.2)', () => {
  test.each([
    [
      '',
      {
        noStore: false,
        isPrivate: false,
        isPublic: false,
        noCache: false,
        mustRevalidate: false,
        immutable: false,
      },
    ],
    ['no-store', { noStore: true, isPrivate: false }],
    ['private', { isPrivate: true, noStore: false }],
    ['private="set-cookie"', { isPrivate: false }],
    ['public', { isPublic: true }],
    ['no-cache', { noCache: true, mustRevalidate: true }],
    ['no-cache="set-cookie"', { noCache: false, mustRevalidate: false }],
    ['no-cache="a", no-cache', { noCache: true, mustRevalidate: true }],
    ['must-revalidate', { noCache: false, mustRevalidate: true }],
    ['proxy-revalidate', { mustRevalidate: true }],
    ['s-maxage=5', { mustRevalidate: true }],
    ['max-age=5', { mustRevalidate: false }],
    ['immutable', { immutable: true }],
  ])('%j', (value, expected) => {
    expect(cc(value)).toMatchObject(expected)
  })

  test('lines are read together', () => {
    expect(policyFor({ 'Cache-Control': ['max-age=5', 'no-store'] })).toMatchObject({
      lifetime: 5,
      noStore: true,
    })
  })

  test('a valid targeted field takes the place of Cache-Control whole (RFC 9213 §2.2)', () => {
    const policy = policyFor({
      'CDN-Cache-Control': 'max-age=7',
      'Cache-Control': 'no-store, private, no-cache',
    })
    expect(policy).toMatchObject({
      targeted: 'CDN-Cache-Control',
      lifetime: 7,
      noStore: false,
      isPrivate: false,
      noCache: false,
    })
    expect(cc('max-age=7').targeted).toBeUndefined()
  })

  test('an override makes nothing storable, but spares validation by no-cache', () => {
    expect(cc('no-store, private, no-cache', { overrideTtl: 9 })).toMatchObject({
      noStore: true,
      isPrivate: true,
      noCache: false,
      mustRevalidate: true,
      source: 'override',
    })
  })
})

describe('must-understand (§5.2.2.3)', () => {
  test.each([
    ['must-understand, no-store', 200, false],
    ['must-understand, no-store', 499, true],
    ['must-understand', 599, true],
    ['must-understand', 404, false],
    ['no-store', 200, true],
  ])('%s on %i', (value, status, noStore) => {
    expect(policyFor({ 'Cache-Control': value }, { status }).noStore).toBe(noStore)
  })

  test.each([
    200, 203, 204, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 409, 410, 411, 412,
    413, 414, 415, 416, 421, 422, 425, 426, 429, 431, 451, 500, 501, 502, 503, 504, 505,
  ])('%i is understood', status => expect(understandsStatus(status)).toBe(true))
  test.each([
    100, 201, 202, 205, 207, 226, 305, 306, 402, 407, 408, 417, 418, 423, 424, 428, 506, 507, 511, 599,
  ])('%i is not', status => expect(understandsStatus(status)).toBe(false))
})

describe('stale windows (RFC 5861 §3, §4)', () => {
  const ruled = { staleWhileRevalidate: 11, staleIfError: 12 }
  test.each<[string, Partial<PolicyRule>, [number, number]]>([
    ['max-age=5', {}, [0, 0]],
    ['max-age=5, stale-while-revalidate=3, stale-if-error=4', {}, [3, 4]],
    ['max-age=5', ruled, [11, 12]],
    ['max-age=5, stale-while-revalidate=3', ruled, [3, 12]],
    ['max-age=5, stale-while-revalidate=0, stale-if-error=0', ruled, [0, 0]],
    ['max-age=5, stale-while-revalidate=x', ruled, [11, 12]],
    // RFC 9111 §4.2.4: what forbids a stale answer
    ['max-age=5, must-revalidate, stale-while-revalidate=3, stale-if-error=4', ruled, [0, 0]],
    ['max-age=5, proxy-revalidate, stale-while-revalidate=3, stale-if-error=4', ruled, [0, 0]],
    ['max-age=5, no-cache, stale-while-revalidate=3, stale-if-error=4', ruled, [0, 0]],
    ['max-age=5, no-cache="a", stale-while-revalidate=3', ruled, [0, 0]],
    ['s-maxage=5, stale-while-revalidate=3, stale-if-error=4', ruled, [0, 0]],
    // a rule for just these paths
    ['s-maxage=5, stale-while-revalidate=3', { ...ruled, besideSharedMaxAge: true }, [11, 12]],
    ['s-maxage=5, stale-while-revalidate=3', { besideSharedMaxAge: true }, [0, 0]],
    ['s-maxage=5, must-revalidate', { ...ruled, besideSharedMaxAge: true }, [0, 0]],
  ])('%s, rule %j', (value, rule, windows) => {
    const policy = cc(value, rule)
    expect([policy.staleWhileRevalidate, policy.staleIfError]).toEqual(windows)
  })
})

describe('validators (RFC 9111 §4.3.1)', () => {
  test.each<[Fields, boolean]>([
    [{}, false],
    [{ ETag: '"a"' }, true],
    [{ ETag: 'W/"a"' }, true],
    [{ 'Last-Modified': dateAt(-5) }, true],
    [{ 'Last-Modified': 'never' }, false],
  ])('%j', (fields, has) => {
    expect(hasValidator(policyFor(fields))).toBe(has)
  })

  test('are kept as they came', () => {
    const policy = policyFor({ ETag: 'W/"a"', 'Last-Modified': dateAt(-5), Vary: 'Accept, X' })
    expect(policy).toMatchObject({ etag: 'W/"a"', lastModified: dateAt(-5), vary: ['accept', 'x'] })
    expect(policyFor({ Vary: 'Accept, *' }).vary).toBe('*')
    expect(new Date(policy.lastModified!).getTime()).toBe(CAME - 5000)
  })
})

describe('Surrogate-Control, only where it is asked for', () => {
  const fields = {
    'Surrogate-Control': 'max-age=9',
    'CDN-Cache-Control': 'max-age=7',
    'Cache-Control': 'no-store',
  }
  const asked = { rule: { surrogateDevice: 'strata' } }

  test('it is a field like any other by default', () => {
    expect(policyFor(fields)).toMatchObject({ lifetime: 7, targeted: 'CDN-Cache-Control' })
  })

  test('it goes before targeted fields', () => {
    expect(policyFor(fields, asked)).toMatchObject({
      lifetime: 9,
      targeted: 'Surrogate-Control',
      noStore: false,
    })
    expect(policyFor({ ...fields, 'Surrogate-Control': 'no-store' }, asked).noStore).toBe(true)
  })

  test('what is meant for another surrogate says nothing', () => {
    expect(policyFor({ ...fields, 'Surrogate-Control': 'max-age=9;other' }, asked)).toMatchObject({
      lifetime: 7,
      targeted: 'CDN-Cache-Control',
    })
  })
})
