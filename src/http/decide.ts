import type { CacheControl } from './cache-control.js'
import { ifRangeHolds } from './conditional.js'
import { fieldValue } from './fields.js'
import { currentAge } from './freshness.js'
import { coversRange } from './partial.js'
import { hasValidator, validatorsOf, type ReusePolicy } from './policy.js'
import { authorizationPermits } from './storable.js'
import type { StoredResponse } from './stored-response.js'

/** A stored response that may answer, with what has been read out of it. */
export interface Candidate<S extends StoredResponse = StoredResponse> {
  readonly stored: S
  readonly policy: ReusePolicy
  /** RFC 9111 §4.2.3 corrected_initial_age, ms. */
  readonly initialAge: number
  /** A soft purge concerns it: stale from now on. */
  readonly soft: boolean
}

export interface DecideRequest {
  readonly method: string
  /** The request's directives as far as they are honoured. */
  readonly directives: CacheControl
  readonly hasAuthorization: boolean
  /** The Range field. */
  readonly range: string | undefined
  /** The If-Range field. */
  readonly ifRange: string | undefined
}

/** RFC 9211 §2.2 reasons for forwarding, and Strata's finer `detail`. */
export type ForwardReason = 'uri-miss' | 'vary-miss' | 'request' | 'stale' | 'partial'

/** What is done with a request, and why. Times in ms; `ttl` is what is left of the freshness, negative when stale. */
export type Decision<C extends Candidate = Candidate> =
  | { readonly action: 'hit'; readonly chosen: C; readonly ttl: number; readonly detail: string }
  /** Stale answer that is permitted; `refresh`: a background revalidation starts. */
  | {
      readonly action: 'stale'
      readonly chosen: C
      readonly ttl: number
      readonly refresh: boolean
      readonly detail: string
    }
  /** Conditional request to the origin. */
  | {
      readonly action: 'revalidate'
      readonly chosen: C
      readonly reason: ForwardReason
      readonly detail: string
    }
  /** `chosen`: stored response without a validator, which may still answer if the origin fails; or the part to complete. */
  | {
      readonly action: 'fetch'
      readonly chosen: C | undefined
      readonly reason: ForwardReason
      readonly detail: string
    }
  /** RFC 9111 §5.2.1.7. */
  | { readonly action: 'unsatisfiable'; readonly detail: 'only-if-cached' }

/**
 * RFC 9111 §4: may the selected stored response answer this request at `now`? Pure; the one home of the question.
 * `selected` has been chosen by Vary; `hasOthers`: there are variants that did not match.
 */
export function decide<C extends Candidate>(
  request: DecideRequest,
  selected: C | undefined,
  hasOthers: boolean,
  now: number,
): Decision<C> {
  const decision = decideForward(request, selected, hasOthers, now)
  const forwards = decision.action === 'fetch' || decision.action === 'revalidate'
  if (forwards && request.directives.has('only-if-cached'))
    return { action: 'unsatisfiable', detail: 'only-if-cached' }
  return decision
}

function decideForward<C extends Candidate>(
  request: DecideRequest,
  selected: C | undefined,
  hasOthers: boolean,
  now: number,
): Decision<C> {
  if (selected === undefined) {
    return hasOthers
      ? fetch<C>(undefined, 'vary-miss', 'vary')
      : fetch<C>(undefined, 'uri-miss', 'none-stored')
  }
  const { policy, stored } = selected
  if (request.hasAuthorization && !authorizationPermits(policy))
    return fetch<C>(undefined, 'request', 'authorization')
  if (stored.range !== undefined && !partAnswers(request, selected, now))
    return fetch(selected, 'partial', 'partial')

  const age = currentAge(selected.initialAge, stored.responseTime, now)
  const ttl = policy.lifetime * 1000 - age
  const demand = requestDemand(request.directives, policy, age, selected.soft ? Math.min(ttl, 0) : ttl)
  if (demand !== undefined) return forward(request, selected, 'request', demand)
  if (policy.noCache) return forward(request, selected, 'stale', 'no-cache')
  if (ttl > 0 && !selected.soft) return { action: 'hit', chosen: selected, ttl, detail: policy.source }
  return decideStale(request, selected, ttl)
}

function decideStale<C extends Candidate>(request: DecideRequest, selected: C, ttl: number): Decision<C> {
  const { policy } = selected
  const staleFor = Math.max(0, -ttl)
  const detail = selected.soft ? 'soft-purged' : 'expired'
  if (staleFor < policy.staleWhileRevalidate * 1000) {
    return {
      action: 'stale',
      chosen: selected,
      ttl,
      refresh: true,
      detail: `${detail}; stale-while-revalidate`,
    }
  }
  if (!policy.mustRevalidate && request.directives.has('max-stale') && !selected.soft) {
    // Without a value any staleness will do; a value that can't be read is no leave at all.
    const limit =
      request.directives.seconds('max-stale') ?? (request.directives.invalid('max-stale') ? -1 : Infinity)
    if (staleFor <= limit * 1000)
      return { action: 'stale', chosen: selected, ttl, refresh: false, detail: 'max-stale' }
  }
  return forward(request, selected, 'stale', detail)
}

/** A stored part answers a range that it holds, unless If-Range asks for the whole of another representation (RFC 9110 §13.1.5). */
function partAnswers({ range, ifRange }: DecideRequest, { stored }: Candidate, now: number): boolean {
  const date = fieldValue(stored.fields, 'date')
  const validators = { ...validatorsOf(stored), date, responseTime: stored.responseTime }
  return coversRange(stored.range!, range) && ifRangeHolds(ifRange, validators, now)
}

/** RFC 9111 §5.2.1: what the request asks for beyond freshness. */
function requestDemand(
  directives: CacheControl,
  policy: ReusePolicy,
  age: number,
  ttl: number,
): string | undefined {
  if (directives.names.length === 0) return undefined
  if (directives.has('no-cache')) return 'request-no-cache'
  const maxAge = directives.seconds('max-age')
  if (maxAge !== undefined) {
    // RFC 8246 §2: a reload (max-age=0) does not revalidate what is immutable while it is fresh.
    const spared = policy.immutable && maxAge === 0
    // §5.2.1.1: without max-stale beside it, the client wants nothing stale, however young.
    const accepted = ttl > 0 ? age / 1000 < maxAge || spared : directives.has('max-stale')
    if (!accepted) return 'request-max-age'
  }
  const minFresh = directives.seconds('min-fresh')
  if (minFresh !== undefined && ttl / 1000 < minFresh) return 'request-min-fresh'
  return undefined
}

/**
 * Conditionally where there is a validator. Not after a soft purge: an origin whose entity tags do not change with the content
 * would confirm what the operator has just called old. A HEAD goes as it is: its answer updates what is stored (RFC 9111 §4.3.5).
 */
function forward<C extends Candidate>(
  request: DecideRequest,
  chosen: C,
  reason: ForwardReason,
  detail: string,
): Decision<C> {
  const conditional =
    request.method === 'GET' &&
    !chosen.soft &&
    chosen.stored.range === undefined &&
    hasValidator(chosen.policy)
  return conditional ? { action: 'revalidate', chosen, reason, detail } : fetch(chosen, reason, detail)
}

function fetch<C extends Candidate>(
  chosen: C | undefined,
  reason: ForwardReason,
  detail: string,
): Decision<C> {
  return { action: 'fetch', chosen, reason, detail }
}
