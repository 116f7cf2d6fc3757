import { describe, expect, test } from '@jest/globals'
import {
  isOriginFailure,
  judge,
  mayStandIn,
  type JudgeInput,
  type Judgement,
} from '../../../src/http/judge.js'
import {
  CAME,
  candidateFor,
  dateAt,
  fieldsOf,
  policyFor,
  type CandidateOptions,
} from '../../support/responses.js'

type Fields = Record<string, string | readonly string[]>

const REQUEST = {
  method: 'GET',
  hasAuthorization: false,
  hasUnkeyedCookie: false,
  hasBody: false,
  noStore: false,
}
const RULE = {
  bypass: false,
  setCookie: 'refuse',
  acceptsContentType: () => true,
  allowsStatus: () => true,
  isImplicit: () => true,
  postIsReusable: false,
} as const
const FRESH = { 'Cache-Control': 'max-age=60' }

function judged(status: number, fields: Fields, more: Partial<JudgeInput> = {}): Judgement {
  return judge({
    request: REQUEST,
    response: { status, fields: fieldsOf(fields), delimited: true },
    policy: policyFor(fields, { status }),
    rule: RULE,
    candidate: undefined,
    conditional: false,
    now: CAME,
    ...more,
  })
}

test('what may be stored is; else it passes with the reason against it', () => {
  expect(judged(200, FRESH)).toEqual({ action: 'store' })
  expect(judged(200, { 'Cache-Control': 'no-store' })).toEqual({ action: 'pass', refusal: 'no-store' })
  expect(judged(200, FRESH, { request: { ...REQUEST, noStore: true } })).toMatchObject({
    refusal: 'request-no-store',
  })
})

describe('304 to our own conditional request (RFC 9111 §4.3.4)', () => {
  const LM = dateAt(-100)
  test.each<[string, Fields, Fields, 'refresh' | 'refetch']>([
    ['equal strong tags', { ETag: '"a"' }, { ETag: '"a"' }, 'refresh'],
    ['other strong tag', { ETag: '"a"' }, { ETag: '"b"' }, 'refetch'],
    ['equal weak tags', { ETag: 'W/"a"' }, { ETag: 'W/"a"' }, 'refresh'],
    ['other weak tag', { ETag: 'W/"a"' }, { ETag: 'W/"b"' }, 'refetch'],
    ['strong tag of what was weakened when compressed', { ETag: 'W/"a"' }, { ETag: '"a"' }, 'refresh'],
    ['tags without quotes', { ETag: 'a' }, { ETag: 'a' }, 'refresh'],
    [
      'the tag counts before Last-Modified',
      { ETag: '"a"', 'Last-Modified': LM },
      { ETag: '"a"', 'Last-Modified': dateAt(0) },
      'refresh',
    ],
    [
      'another tag, though Last-Modified is the same',
      { ETag: '"a"', 'Last-Modified': LM },
      { ETag: '"b"', 'Last-Modified': LM },
      'refetch',
    ],
    ['equal Last-Modified', { 'Last-Modified': LM }, { 'Last-Modified': LM }, 'refresh'],
    ['other Last-Modified', { 'Last-Modified': LM }, { 'Last-Modified': dateAt(0) }, 'refetch'],
    [
      'other Last-Modified, no tag to go by',
      { ETag: '"a"', 'Last-Modified': LM },
      { 'Last-Modified': dateAt(0) },
      'refetch',
    ],
    ['a tag that the stored one has not', { 'Last-Modified': LM }, { ETag: '"b"' }, 'refetch'],
    [
      '… beside the same Last-Modified',
      { 'Last-Modified': LM },
      { ETag: '"b"', 'Last-Modified': LM },
      'refresh',
    ],
    ['Last-Modified that the stored one has not', { ETag: '"a"' }, { 'Last-Modified': LM }, 'refresh'],
    ['no validator at all: it speaks of what we asked about', { ETag: '"a"' }, {}, 'refresh'],
    ['… by date', { 'Last-Modified': LM }, {}, 'refresh'],
  ])('%s', (_name, stored, update, action) => {
    const candidate = candidateFor(stored)
    expect(judged(304, update, { candidate, conditional: true })).toEqual({ action })
  })

  test("a 304 to the client's own condition passes and is not stored", () => {
    const candidate = candidateFor({ ETag: '"a"' })
    expect(judged(304, { ETag: '"a"' }, { candidate })).toEqual({ action: 'pass', refusal: 'status' })
    expect(judged(304, { ETag: '"a"' }, { conditional: true })).toEqual({ action: 'pass', refusal: 'status' })
  })

  test('any other answer to it takes the place of what is stored', () => {
    expect(judged(200, FRESH, { candidate: candidateFor({ ETag: '"a"' }), conditional: true })).toEqual({
      action: 'store',
    })
  })
})

describe('stale-if-error (RFC 5861 §4, RFC 9111 §4.3.3)', () => {
  const lasting = { ETag: '"a"', Date: dateAt(0), 'Cache-Control': 'max-age=60, stale-if-error=30' }

  test.each([500, 502, 503, 504])('%i is an error', status => {
    expect(isOriginFailure(status)).toBe(true)
    const candidate = candidateFor(lasting)
    const expected = { action: 'stale', detail: `origin-${status}` }
    expect(judged(status, FRESH, { candidate, conditional: true, now: CAME + 70_000 })).toEqual(expected)
    expect(judged(status, FRESH, { candidate, now: CAME + 70_000 })).toEqual(expected)
  })

  test.each([200, 204, 302, 400, 404, 410, 429, 499, 501, 505, 507, 599])('%i is an answer', status => {
    expect(isOriginFailure(status)).toBe(false)
    const candidate = candidateFor(lasting)
    expect(judged(status, FRESH, { candidate, now: CAME + 70_000 })).toEqual({ action: 'store' })
  })

  test.each<[string, string, number, boolean, CandidateOptions]>([
    ['while fresh (the client wanted it validated)', 'max-age=60, stale-if-error=30', 10, true, {}],
    ['within the window', 'max-age=60, stale-if-error=30', 89.999, true, {}],
    ['at its end', 'max-age=60, stale-if-error=30', 90, false, {}],
    ['without a window', 'max-age=60', 10, false, {}],
    ['no-cache', 'max-age=60, no-cache, stale-if-error=30', 61, false, {}],
    ['must-revalidate', 'max-age=60, must-revalidate, stale-if-error=30', 61, false, {}],
    ['proxy-revalidate', 'max-age=60, proxy-revalidate, stale-if-error=30', 61, false, {}],
    ['s-maxage', 's-maxage=60, stale-if-error=30', 61, false, {}],
    ["a rule's window", 'max-age=60', 70, true, { rule: { staleIfError: 30 } }],
    [
      'no-cache, under a rule that overrides',
      'no-cache',
      1,
      false,
      { rule: { staleIfError: 30, overrideTtl: 5 } },
    ],
    ['after a soft purge', 'max-age=60, stale-if-error=30', 10, true, { soft: true }],
    [
      'a part may not hold what was asked for',
      'max-age=60, stale-if-error=30',
      61,
      false,
      { range: { first: 0, last: 4 } },
    ],
  ])('%s', (_name, value, seconds, stands, options) => {
    const candidate = candidateFor({ Date: dateAt(0), 'Cache-Control': value }, options)
    expect(mayStandIn(candidate, CAME + seconds * 1000)).toBe(stands)
    const judgement = judged(503, {}, { candidate, now: CAME + seconds * 1000 })
    expect(judgement.action).toBe(stands ? 'stale' : 'pass')
  })

  test('nothing stored: the error passes', () => {
    expect(judged(503, {})).toEqual({ action: 'pass', refusal: 'not-explicit' })
  })

  test('an entry that may never be used without validation does not stand in, window or not', () => {
    const candidate = candidateFor({ 'Cache-Control': 'no-cache' })
    const policy = { ...candidate.policy, staleIfError: 30 }
    expect(mayStandIn({ ...candidate, policy }, CAME)).toBe(false)
    expect(mayStandIn({ ...candidate, policy: { ...policy, noCache: false } }, CAME)).toBe(true)
  })
})
