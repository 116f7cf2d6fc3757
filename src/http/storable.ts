import { fieldLines, hasField, type RawFields } from './fields.js'
import type { CacheControl } from './cache-control.js'
import { seemsToForbid } from './misspelt.js'
import { mayBeImplicit } from './freshness.js'
import { understandsStatus, type ReusePolicy } from './policy.js'

/** Why a response is not stored. Goes into logs and `Cache-Status: …; detail=`. */
export type StoreRefusal =
  | 'rule-bypass'
  | 'method'
  | 'request-no-store'
  | 'request-body'
  | 'status'
  | 'no-store'
  | 'private'
  | 'malformed-cache-control'
  | 'authorization'
  | 'request-cookie'
  | 'set-cookie'
  | 'vary-star'
  | 'not-explicit'
  | 'useless'
  | 'content-type'
  | 'content-range'
  | 'framing'
  | 'too-large'
  | 'limits'

/** What the request tells about storing its response. */
export interface StoreRequest {
  readonly method: string
  readonly hasAuthorization: boolean
  /** A Cookie field that was forwarded and is not wholly part of the key. */
  readonly hasUnkeyedCookie: boolean
  readonly hasBody: boolean
  readonly noStore: boolean
}

export interface StoreRule {
  readonly bypass: boolean
  readonly setCookie: 'refuse' | 'strip' | 'store'
  readonly acceptsContentType: (mediaType: string, status: number) => boolean
  /** May be stored at all, when it is explicitly fresh. */
  readonly allowsStatus: (status: number) => boolean
  /** May be stored without saying how long it is fresh. */
  readonly isImplicit: (status: number) => boolean
  /** Store a POST response for later GETs (RFC 9110 §9.3.3); its Content-Location has been held against the target. */
  readonly postIsReusable: boolean
}

export interface StorableResponse {
  readonly status: number
  readonly fields: RawFields
  /** The end of the body can be told from the connection breaking (Content-Length, chunked, or a handler's `end()`). */
  readonly delimited: boolean
}

/**
 * May a shared cache store this response (RFC 9111 §3, P7)? Undefined when it may; else the first reason against it.
 * One home for the question: the journey, HEAD updates and completions of partial content all ask here.
 */
export function storeRefusal(
  request: StoreRequest,
  response: StorableResponse,
  policy: ReusePolicy,
  rule: StoreRule,
): StoreRefusal | undefined {
  const { status, fields } = response
  const { directives } = policy
  if (rule.bypass) return 'rule-bypass'
  if (request.method !== 'GET' && !(request.method === 'POST' && rule.postIsReusable)) return 'method'
  if (request.method === 'GET' && request.hasBody) return 'request-body'
  if (request.noStore) return 'request-no-store'
  if (status < 200 || status === 304 || status === 412 || status === 416) return 'status'
  if (!rule.allowsStatus(status)) return 'status'
  if (directives.has('must-understand') && !understandsStatus(status)) return 'status'
  if (policy.noStore) return 'no-store'
  if (policy.isPrivate) return 'private'
  if (directives.malformed || hasMisspelt(directives)) return 'malformed-cache-control'
  if (request.hasAuthorization && !authorizationPermits(policy)) return 'authorization'
  if (request.hasUnkeyedCookie) return 'request-cookie'
  if (policy.vary === '*') return 'vary-star'
  if (rule.setCookie === 'refuse' && hasField(fields, 'set-cookie')) return 'set-cookie'
  if (!policy.explicit && !mayBeImplicit(status, policy.isPublic, rule.isImplicit)) return 'not-explicit'
  if (request.method === 'POST' && !policy.explicit) return 'not-explicit'
  if (!rule.acceptsContentType(mediaTypeOf(fields), status)) return 'content-type'
  if (!response.delimited) return 'framing'
  return undefined
}

/** RFC 9111 §3.5: what lets a shared cache use a response for requests other than the one with Authorization. */
export function authorizationPermits(policy: ReusePolicy): boolean {
  const { directives } = policy
  return policy.isPublic || directives.has('s-maxage') || directives.has('must-revalidate')
}

/** What the parser gives for the same text is the same object: few are looked at twice. */
const MISSPELT = new WeakMap<CacheControl, boolean>()

function hasMisspelt(directives: CacheControl): boolean {
  let known = MISSPELT.get(directives)
  if (known === undefined) {
    known = directives.names.some(name => seemsToForbid(name, directives.argument(name)))
    MISSPELT.set(directives, known)
  }
  return known
}

function mediaTypeOf(fields: RawFields): string {
  const [type = ''] = fieldLines(fields, 'content-type')
  const end = type.indexOf(';')
  return (end === -1 ? type : type.slice(0, end)).trim().toLowerCase()
}
