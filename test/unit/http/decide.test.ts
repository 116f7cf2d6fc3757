import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { decide, type Candidate, type Decision } from '../../../src/http/decide.js'
import { CAME, candidateFor, dateAt, requestFor, type CandidateOptions } from '../../support/responses.js'

type Fields = Record<string, string | readonly string[]>

/** Decides `seconds` after the response came; in short form. */
function at(seconds: number, candidate: Candidate | undefined, request = requestFor(), hasOthers = false) {
  return short(decide(request, candidate, hasOthers, CAME + seconds * 1000))
}

function short(decision: Decision): string {
  switch (decision.action) {
    case 'hit':
      return `hit ${decision.ttl / 1000} ${decision.detail}`
    case 'stale':
      return `stale ${decision.ttl / 1000} ${decision.detail}${decision.refresh ? ' +refresh' : ''}`
    case 'unsatisfiable':
      return `unsatisfiable ${decision.detail}`
    default:
      return `${decision.action} ${decision.reason} ${decision.detail}`
  }
}

const ETAG = { ETag: '"a"' }
const cc = (value: string, more: Fields = {}, options: CandidateOptions = {}) =>
  candidateFor({ Date: dateAt(0), 'Cache-Control': value, ...more }, options)

describe('nothing selected (RFC 9211 §2.2)', () => {
  test('nothing stored, or no variant that matches', () => {
    expect(at(0, undefined)).toBe('fetch uri-miss none-stored')
    expect(at(0, undefined, requestFor(), true)).toBe('fetch vary-miss vary')
  })
  test('only-if-cached (RFC 9111 §5.2.1.7)', () => {
    const request = requestFor('only-if-cached')
    expect(at(0, undefined, request)).toBe('unsatisfiable only-if-cached')
    expect(at(70, cc('max-age=60', ETAG), request)).toBe('unsatisfiable only-if-cached')
    expect(at(10, cc('max-age=60'), request)).toBe('hit 50 max-age')
    expect(at(70, cc('max-age=60, stale-while-revalidate=60'), request)).toMatch(/^stale/)
  })
})

describe('freshness (RFC 9111 §4.2)', () => {
  test.each<[number, string]>([
    [0, 'hit 60 max-age'],
    [59.999, 'hit 0.001 max-age'],
    [60, 'fetch stale expired'],
    [1000, 'fetch stale expired'],
    [-50, 'hit 60 max-age'],
  ])('max-age=60 after %d s', (seconds, expected) => {
    expect(at(seconds, cc('max-age=60'))).toBe(expected)
  })
  test('the age that it came with counts', () => {
    expect(at(10, cc('max-age=60', { Age: '50' }))).toBe('fetch stale expired')
    expect(at(9, cc('max-age=60', { Age: '50' }))).toBe('hit 1 max-age')
  })
  test('a validator makes it a conditional request (§4.3.1)', () => {
    expect(at(60, cc('max-age=60', ETAG))).toBe('revalidate stale expired')
    expect(at(60, cc('max-age=60', { 'Last-Modified': dateAt(-9) }))).toBe('revalidate stale expired')
  })
  test('a HEAD goes as it is (§4.3.5)', () => {
    expect(at(60, cc('max-age=60', ETAG), requestFor(undefined, { method: 'HEAD' }))).toBe(
      'fetch stale expired',
    )
    expect(at(6, cc('max-age=60', ETAG), requestFor(undefined, { method: 'HEAD' }))).toBe('hit 54 max-age')
  })
  test('no-cache: each reuse needs validation (§5.2.2.4)', () => {
    expect(at(0, cc('no-cache, max-age=60', ETAG))).toBe('revalidate stale no-cache')
    expect(at(0, cc('no-cache, max-age=60'))).toBe('fetch stale no-cache')
    expect(at(0, cc('no-cache="x", max-age=60', ETAG))).toBe('hit 60 max-age')
  })
  test('what is decided on is handed on', () => {
    const stale = cc('max-age=1')
    expect(decide(requestFor(), stale, false, CAME + 9000)).toMatchObject({ action: 'fetch', chosen: stale })
    expect(decide(requestFor(), stale, false, CAME)).toMatchObject({
      action: 'hit',
      chosen: stale,
      ttl: 1000,
    })
  })
})

describe('Authorization (§3.5)', () => {
  const request = requestFor(undefined, { hasAuthorization: true })
  test.each([
    ['max-age=60', 'fetch request authorization'],
    ['max-age=60, private="x"', 'fetch request authorization'],
    ['max-age=60, public', 'hit 60 max-age'],
    ['s-maxage=60', 'hit 60 s-maxage'],
    ['max-age=60, must-revalidate', 'hit 60 max-age'],
  ])('%s', (value, expected) => {
    expect(at(0, cc(value, ETAG), request)).toBe(expected)
  })
  test('what may not be used is neither validated nor kept for a failure', () => {
    const decision = decide(request, cc('max-age=60', ETAG), false, CAME + 90_000)
    expect(decision).toMatchObject({ action: 'fetch', chosen: undefined })
  })
})

describe('stale answers (§4.2.4, RFC 5861 §3)', () => {
  const windowed = 'max-age=60, stale-while-revalidate=30'
  test.each<[string, number, string]>([
    [windowed, 59, 'hit 1 max-age'],
    [windowed, 60, 'stale 0 expired; stale-while-revalidate +refresh'],
    [windowed, 89, 'stale -29 expired; stale-while-revalidate +refresh'],
    [windowed, 90, 'revalidate stale expired'],
    [`${windowed}, must-revalidate`, 60, 'revalidate stale expired'],
    [`${windowed}, proxy-revalidate`, 60, 'revalidate stale expired'],
    [`${windowed}, s-maxage=60`, 60, 'revalidate stale expired'],
    [`${windowed}, no-cache`, 60, 'revalidate stale no-cache'],
    ['max-age=60, stale-if-error=30', 60, 'revalidate stale expired'],
  ])('%s after %d s', (value, seconds, expected) => {
    expect(at(seconds, cc(value, ETAG))).toBe(expected)
  })
})

describe('soft purge: stale from now on', () => {
  const soft = { soft: true }
  test('is fetched whole: an origin whose tags never change would confirm what has just been called old', () => {
    expect(at(0, cc('max-age=60', ETAG, soft))).toBe('fetch stale soft-purged')
    expect(at(0, cc('no-cache', ETAG, soft))).toBe('fetch stale no-cache')
    expect(at(90, cc('max-age=60', ETAG, soft))).toBe('fetch stale soft-purged')
  })
  test('stale-while-revalidate counts from its end of freshness, at the earliest from now', () => {
    const value = 'max-age=60, stale-while-revalidate=30'
    expect(at(0, cc(value, {}, soft))).toBe('stale 60 soft-purged; stale-while-revalidate +refresh')
    expect(at(89, cc(value, {}, soft))).toBe('stale -29 soft-purged; stale-while-revalidate +refresh')
    expect(at(90, cc(value, {}, soft))).toBe('fetch stale soft-purged')
  })
  test('no client can ask for it', () => {
    expect(at(0, cc('max-age=60', {}, soft), requestFor('max-stale'))).toBe('fetch stale soft-purged')
    expect(at(0, cc('immutable, max-age=60', ETAG, soft), requestFor('max-age=0'))).toBe(
      'fetch request request-max-age',
    )
    expect(at(0, cc('max-age=60', ETAG, soft), requestFor('min-fresh=1'))).toBe(
      'fetch request request-min-fresh',
    )
  })
})

describe('request directives (§5.2.1)', () => {
  test.each<[string, string, number, string]>([
    ['no-cache', 'max-age=60', 0, 'revalidate request request-no-cache'],
    ['max-age=10', 'max-age=60', 9, 'hit 51 max-age'],
    ['max-age=10', 'max-age=60', 10, 'revalidate request request-max-age'],
    ['max-age=0', 'max-age=60', 0, 'revalidate request request-max-age'],
    ['max-age=100', 'max-age=60', 59.999, 'hit 0.001 max-age'],
    ['max-age=x', 'max-age=60', 30, 'hit 30 max-age'],
    ['max-age=100', 'max-age=60', 70, 'revalidate request request-max-age'],
    ['max-age=100', 'max-age=60, stale-while-revalidate=60', 70, 'revalidate request request-max-age'],
    ['max-age=10, max-stale=60', 'max-age=60', 20, 'revalidate request request-max-age'],
    ['max-age=10, max-stale=60', 'max-age=60', 70, 'stale -10 max-stale'],
    ['min-fresh=10', 'max-age=60', 50, 'hit 10 max-age'],
    ['min-fresh=10', 'max-age=60', 50.001, 'revalidate request request-min-fresh'],
    ['min-fresh=x', 'max-age=60', 50, 'hit 10 max-age'],
    ['max-stale', 'max-age=60', 1e6, 'stale -999940 max-stale'],
    ['max-stale=10', 'max-age=60', 70, 'stale -10 max-stale'],
    ['max-stale=10', 'max-age=60', 70.001, 'revalidate stale expired'],
    ['max-stale=x', 'max-age=60', 61, 'revalidate stale expired'],
    ['max-stale=0', 'max-age=60', 60, 'stale 0 max-stale'],
    ['max-stale', 'max-age=60', 10, 'hit 50 max-age'],
    // never loosens what a shared cache has to keep (§5.2.2.2, §5.2.2.8, §5.2.2.10)
    ['max-stale', 'max-age=60, must-revalidate', 61, 'revalidate stale expired'],
    ['max-stale', 'max-age=60, proxy-revalidate', 61, 'revalidate stale expired'],
    ['max-stale', 's-maxage=60', 61, 'revalidate stale expired'],
    ['max-stale', 'max-age=60, no-cache', 1, 'revalidate stale no-cache'],
    ['no-transform, foo', 'max-age=60', 1, 'hit 59 max-age'],
    // RFC 8246 §2
    ['max-age=0', 'max-age=60, immutable', 59, 'hit 1 max-age'],
    ['max-age=0', 'max-age=60, immutable', 60, 'revalidate request request-max-age'],
    ['max-age=5', 'max-age=60, immutable', 30, 'revalidate request request-max-age'],
    ['no-cache', 'max-age=60, immutable', 0, 'revalidate request request-no-cache'],
    ['min-fresh=100', 'max-age=60, immutable', 0, 'revalidate request request-min-fresh'],
  ])('%s on %s after %d s', (asked, said, seconds, expected) => {
    expect(at(seconds, cc(said, ETAG), requestFor(asked))).toBe(expected)
  })
})

describe('stored parts (§3.3, §4)', () => {
  const part = (more: Fields = ETAG, options: CandidateOptions = {}) =>
    cc('max-age=60', more, { status: 206, range: { first: 0, last: 9, complete: 100 }, ...options })

  test.each<[string | undefined, string | undefined, string]>([
    [undefined, undefined, 'fetch partial partial'],
    ['bytes=2-4', undefined, 'hit 60 max-age'],
    ['bytes=2-14', undefined, 'fetch partial partial'],
    ['bytes=2-4', '"a"', 'hit 60 max-age'],
    // RFC 9110 §13.1.5: the client holds bytes of another representation and must get the whole
    ['bytes=2-4', '"b"', 'fetch partial partial'],
    ['bytes=2-4', 'W/"a"', 'fetch partial partial'],
    ['bytes=2-4', dateAt(0), 'fetch partial partial'],
  ])('Range %s, If-Range %s', (range, ifRange, expected) => {
    expect(at(0, part(), requestFor(undefined, { range, ifRange }))).toBe(expected)
  })
  test('If-Range by date', () => {
    const modified = part({ 'Last-Modified': dateAt(-9) })
    expect(at(0, modified, requestFor(undefined, { range: 'bytes=1-2', ifRange: dateAt(-9) }))).toMatch(
      /^hit/,
    )
    expect(at(0, modified, requestFor(undefined, { range: 'bytes=1-2', ifRange: dateAt(-8) }))).toMatch(
      /^fetch/,
    )
  })
  test('a stale part is fetched, never confirmed; it is handed on to be completed', () => {
    const stored = part()
    const decision = decide(requestFor(undefined, { range: 'bytes=2-4' }), stored, false, CAME + 61_000)
    expect(short(decision)).toBe('fetch stale expired')
    expect(decide(requestFor(), stored, false, CAME)).toMatchObject({ chosen: stored })
  })
  test('a whole response needs no range to be asked for', () => {
    expect(at(0, cc('max-age=60'), requestFor(undefined, { range: 'bytes=1-2', ifRange: '"zzz"' }))).toMatch(
      /^hit/,
    )
  })
})

const directive = (names: readonly string[], valued: readonly string[]) =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom(...names),
        fc.tuple(fc.constantFrom(...valued), fc.nat(200)).map(([name, n]) => `${name}=${n}`),
      ),
      { maxLength: 4 },
    )
    .map(list => list.join(', '))
const responseDirectives = directive(
  ['no-cache', 'must-revalidate', 'proxy-revalidate', 'public', 'immutable', 'no-cache="x"'],
  ['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'],
)
const requestDirectives = directive(
  ['no-cache', 'max-stale', 'only-if-cached'],
  ['max-age', 'max-stale', 'min-fresh'],
)

test('nothing stale is served where the response forbids it; nothing at all after no-cache', () => {
  fc.assert(
    fc.property(
      responseDirectives,
      requestDirectives,
      fc.integer({ min: -50, max: 500 }),
      fc.boolean(),
      fc.boolean(),
      fc.nat(100),
      (said, asked, seconds, soft, tagged, age) => {
        const candidate = cc(said, { ...(tagged ? ETAG : {}), Age: String(age) }, { soft })
        const { policy } = candidate
        const decision = decide(requestFor(asked), candidate, false, CAME + seconds * 1000)
        const answered = decision.action === 'hit' || decision.action === 'stale'
        const fresh = policy.lifetime > age + Math.max(0, seconds)
        if (decision.action === 'hit') expect(fresh && !soft).toBe(true)
        if (/(^|, )no-cache(,|$)/.test(said) || /no-cache/.test(asked)) expect(answered).toBe(false)
        if (/must-revalidate|proxy-revalidate|s-maxage/.test(said)) expect(decision.action).not.toBe('stale')
        if (decision.action === 'stale') {
          expect(fresh && !soft).toBe(false)
          expect(decision.refresh || /max-stale/.test(asked)).toBe(true)
        }
        if (/only-if-cached/.test(asked)) expect(answered || decision.action === 'unsatisfiable').toBe(true)
        if (decision.action === 'revalidate') expect(tagged && !soft).toBe(true)
      },
    ),
    { numRuns: 2000 },
  )
})
