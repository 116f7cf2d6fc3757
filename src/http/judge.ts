import { weakMatch } from './conditional.js'
import type { Candidate } from './decide.js'
import { fieldValue, type RawFields } from './fields.js'
import { currentAge } from './freshness.js'
import { validatorsOf, type ReusePolicy } from './policy.js'
import {
  storeRefusal,
  type StorableResponse,
  type StoreRefusal,
  type StoreRequest,
  type StoreRule,
} from './storable.js'

/** What becomes of the origin's answer. */
export type Judgement =
  | { readonly action: 'store' }
  | { readonly action: 'pass'; readonly refusal: StoreRefusal }
  /** 304 to our own conditional request: the stored response is fresh again. */
  | { readonly action: 'refresh' }
  /** 304 that does not speak of what we hold: ask again, unconditionally. */
  | { readonly action: 'refetch' }
  /** The origin failed and the stored response may stand in (RFC 5861 §4, RFC 9111 §4.3.3). */
  | { readonly action: 'stale'; readonly detail: string }

export interface JudgeInput {
  readonly request: StoreRequest
  readonly response: StorableResponse
  readonly policy: ReusePolicy
  readonly rule: StoreRule
  /** The stored response that was revalidated, or could stand in. */
  readonly candidate: Candidate | undefined
  /** Our request carried the candidate's validators. */
  readonly conditional: boolean
  readonly now: number
}

/** RFC 9111 §3, §4.3.3, §4.3.4. Pure; the one home of the question. */
export function judge(input: JudgeInput): Judgement {
  const { response, candidate, conditional } = input
  if (conditional && candidate !== undefined && response.status === 304) {
    return confirms(candidate, response.fields) ? { action: 'refresh' } : { action: 'refetch' }
  }
  if (isOriginFailure(response.status) && candidate !== undefined && mayStandIn(candidate, input.now)) {
    return { action: 'stale', detail: `origin-${response.status}` }
  }
  const refusal = storeRefusal(input.request, response, input.policy, input.rule)
  return refusal === undefined ? { action: 'store' } : { action: 'pass', refusal }
}

/** RFC 5861 §4: the status codes that stale-if-error counts as an error. */
export function isOriginFailure(status: number): boolean {
  return status === 500 || status === 502 || status === 503 || status === 504
}

/** May this stored response answer in place of an origin that failed? */
export function mayStandIn(candidate: Candidate, now: number): boolean {
  const { policy, stored, initialAge } = candidate
  // A part may not hold what was asked for.
  if (stored.range !== undefined || policy.noCache || policy.staleIfError === 0) return false
  const staleFor = currentAge(initialAge, stored.responseTime, now) - policy.lifetime * 1000
  return staleFor < policy.staleIfError * 1000
}

/**
 * RFC 9111 §4.3.4: does this 304 select the stored response? Its entity tag decides if it has one, its Last-Modified if not; a 304
 * without validators speaks of the one response that we asked about. Laxer than the letter in one point: a strong tag confirms the
 * weak one of the same text, since servers that compress as they go (nginx) weaken the tag of the 200 and not that of the 304.
 */
function confirms(candidate: Candidate, fields: RawFields): boolean {
  const stored = validatorsOf(candidate.stored)
  const etag = fieldValue(fields, 'etag')
  if (etag !== undefined && stored.etag !== undefined) return weakMatch(etag, stored.etag)
  const modified = fieldValue(fields, 'last-modified')
  if (modified !== undefined && stored.lastModified !== undefined) return modified === stored.lastModified
  // A tag that the stored response does not have is another representation's.
  return etag === undefined
}
