import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { PolicyRule } from '../../../src/http/policy-rule.js'
import { policyOf } from '../../../src/http/policy.js'
import {
  authorizationPermits,
  storeRefusal,
  type StoreRefusal,
  type StoreRequest,
  type StoreRule,
} from '../../../src/http/storable.js'
import { CAME, dateAt, fieldsOf, PLAIN_RULE, policyFor } from '../../support/responses.js'

interface Case {
  readonly request?: Partial<StoreRequest>
  readonly status?: number
  readonly fields?: Record<string, string | readonly string[]>
  readonly delimited?: boolean
  readonly rule?: Partial<StoreRule>
  readonly policyRule?: Partial<PolicyRule>
}

const REQUEST: StoreRequest = {
  method: 'GET',
  hasAuthorization: false,
  hasUnkeyedCookie: false,
  hasBody: false,
  noStore: false,
}
const RULE: StoreRule = {
  bypass: false,
  setCookie: 'refuse',
  acceptsContentType: () => true,
  allowsStatus: () => true,
  isImplicit: () => true,
  postIsReusable: false,
}
const FRESH = { 'Cache-Control': 'max-age=60' }

function refusal({ request, status = 200, fields = FRESH, delimited = true, rule, policyRule }: Case) {
  const raw = fieldsOf(fields)
  const policy = policyOf({ status, fields: raw, responseTime: CAME }, { ...PLAIN_RULE, ...policyRule })
  return storeRefusal({ ...REQUEST, ...request }, { status, fields: raw, delimited }, policy, {
    ...RULE,
    ...rule,
  })
}
const cc = (value: string) => ({ 'Cache-Control': value })

describe('RFC 9111 §3', () => {
  test.each<[string, Case, StoreRefusal | undefined]>([
    ['a fresh GET', {}, undefined],
    ['a GET with a heuristic status and nothing else', { fields: {} }, undefined],
    ["operator's bypass", { rule: { bypass: true } }, 'rule-bypass'],
    ['HEAD', { request: { method: 'HEAD' } }, 'method'],
    ['POST', { request: { method: 'POST' } }, 'method'],
    [
      'POST that may be reused (RFC 9110 §9.3.3)',
      { request: { method: 'POST', hasBody: true }, rule: { postIsReusable: true } },
      undefined,
    ],
    ['PUT never', { request: { method: 'PUT' }, rule: { postIsReusable: true } }, 'method'],
    [
      'POST without explicit freshness',
      { request: { method: 'POST' }, rule: { postIsReusable: true }, fields: {} },
      'not-explicit',
    ],
    [
      'POST, public but not explicitly fresh',
      { request: { method: 'POST' }, rule: { postIsReusable: true }, fields: cc('public') },
      'not-explicit',
    ],
    ['a GET with content', { request: { hasBody: true } }, 'request-body'],
    ['request no-store (§5.2.1.5)', { request: { noStore: true } }, 'request-no-store'],
    ['interim', { status: 103 }, 'status'],
    ['304', { status: 304 }, 'status'],
    ['412: an answer to a precondition', { status: 412 }, 'status'],
    ['416: an answer to a Range', { status: 416 }, 'status'],
    ['200 is final', { status: 200 }, undefined],
    ['206 with its freshness', { status: 206 }, undefined],
    ['unknown status, must-understand', { status: 599, fields: cc('max-age=60, must-understand') }, 'status'],
    [
      'known status, must-understand beside no-store',
      { fields: cc('max-age=60, must-understand, no-store') },
      undefined,
    ],
    ['unknown status, explicit freshness', { status: 599 }, undefined],
    ['no-store (§5.2.2.5)', { fields: cc('no-store, max-age=60') }, 'no-store'],
    ['private (§5.2.2.7)', { fields: cc('private, max-age=60') }, 'private'],
    ['private for some fields only', { fields: cc('private="x", max-age=60') }, undefined],
    ['a field that cannot be read', { fields: cc('max-age=60; private') }, 'malformed-cache-control'],
    ['302 without anything', { status: 302, fields: {} }, 'not-explicit'],
    ['302 public', { status: 302, fields: cc('public') }, undefined],
    ['302 with max-age', { status: 302 }, undefined],
    ['302 with Expires', { status: 302, fields: { Expires: dateAt(60) } }, undefined],
    [
      '500 with a rule for its status',
      { status: 500, fields: {}, policyRule: { statusTtl: { '5xx': 1 } } },
      undefined,
    ],
    ['302 with an override', { status: 302, fields: {}, policyRule: { overrideTtl: 1 } }, undefined],
    ['body that ends with the connection', { delimited: false }, 'framing'],
    ['Vary: * (§4.1)', { fields: { ...FRESH, Vary: 'Accept, *' } }, 'vary-star'],
  ])('%s', (_name, input, expected) => {
    expect(refusal(input)).toBe(expected)
  })
})

describe('credentials (P7, RFC 9111 §3.5)', () => {
  test.each<[string, Case, StoreRefusal | undefined]>([
    ['Authorization', { request: { hasAuthorization: true } }, 'authorization'],
    [
      '… Vary: Authorization is no permission',
      { request: { hasAuthorization: true }, fields: { ...FRESH, Vary: 'Authorization' } },
      'authorization',
    ],
    ['… public', { request: { hasAuthorization: true }, fields: cc('public, max-age=60') }, undefined],
    ['… s-maxage', { request: { hasAuthorization: true }, fields: cc('s-maxage=60') }, undefined],
    [
      '… must-revalidate',
      { request: { hasAuthorization: true }, fields: cc('must-revalidate, max-age=60') },
      undefined,
    ],
    [
      '… proxy-revalidate is none',
      { request: { hasAuthorization: true }, fields: cc('proxy-revalidate, max-age=60') },
      'authorization',
    ],
    [
      '… by an override neither',
      { request: { hasAuthorization: true }, policyRule: { overrideTtl: 9 } },
      'authorization',
    ],
    ['a cookie outside the key', { request: { hasUnkeyedCookie: true } }, 'request-cookie'],
    ['Set-Cookie', { fields: { ...FRESH, 'set-cookie': 'a=1' } }, 'set-cookie'],
    [
      '… to be stripped',
      { fields: { ...FRESH, 'Set-Cookie': 'a=1' }, rule: { setCookie: 'strip' } },
      undefined,
    ],
    [
      '… to be stored',
      { fields: { ...FRESH, 'Set-Cookie': 'a=1' }, rule: { setCookie: 'store' } },
      undefined,
    ],
  ])('%s', (_name, input, expected) => {
    expect(refusal(input)).toBe(expected)
  })

  test('what permits reuse for requests with Authorization', () => {
    expect(authorizationPermits(policyFor(cc('public')))).toBe(true)
    expect(authorizationPermits(policyFor(cc('s-maxage=0')))).toBe(true)
    expect(authorizationPermits(policyFor(cc('must-revalidate')))).toBe(true)
    expect(authorizationPermits(policyFor(cc('max-age=60, immutable, no-cache')))).toBe(false)
  })
})

describe("operator's media types", () => {
  const rule = { acceptsContentType: (type: string) => type === 'image/png' }
  test.each<[string | undefined, StoreRefusal | undefined]>([
    ['image/png', undefined],
    ['Image/PNG ; q=1', undefined],
    ['text/html', 'content-type'],
    [undefined, 'content-type'],
  ])('%s', (type, expected) => {
    expect(refusal({ fields: type === undefined ? FRESH : { ...FRESH, 'Content-Type': type }, rule })).toBe(
      expected,
    )
  })
  test('a response without a type has the empty one', () => {
    expect(refusal({ rule: { acceptsContentType: type => type === '' } })).toBeUndefined()
  })
})

test('whatever else is said, what forbids storing forbids it', () => {
  const others = fc.subarray([
    'public',
    'max-age=60',
    's-maxage=60',
    'immutable',
    'stale-if-error=9',
    'must-revalidate',
  ])
  fc.assert(
    fc.property(
      others,
      fc.constantFrom('no-store', 'private', 'max-age=1; x', '"'),
      fc.nat(6),
      fc.constantFrom(200, 203, 301, 302, 404, 410, 500),
      fc.option(fc.nat(100), { nil: undefined }),
      (more, forbidding, at, status, overrideTtl) => {
        const list = [...more.slice(0, at), forbidding, ...more.slice(at)]
        expect(refusal({ status, fields: cc(list.join(', ')), policyRule: { overrideTtl } })).toBeDefined()
      },
    ),
    { numRuns: 200 },
  )
})
