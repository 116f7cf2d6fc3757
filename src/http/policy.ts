import { fieldLines, fieldValue, type RawFields } from './fields.js'
import { NO_CACHE_CONTROL, parseCacheControl, type CacheControl } from './cache-control.js'
import { parseHttpDate } from './http-date.js'
import { parseVary } from './vary.js'
import { parseSurrogateControl } from './surrogate-control.js'
import { targetedCacheControl } from './targeted.js'
import { freshnessLifetime, type FreshnessSource } from './freshness.js'
import type { PolicyRule } from './policy-rule.js'

/** What the fields of a response say about reusing it. Of many responses it is the same: no text of one alone is in it. */
export interface ReusePolicy {
  /** The directives that count: of a targeted field (RFC 9213) when there is a valid one, else of Cache-Control. */
  readonly directives: CacheControl
  /** Name of the targeted field that won, or Surrogate-Control. */
  readonly targeted: string | undefined
  /** Freshness lifetime, s, and where it comes from. */
  readonly lifetime: number
  readonly source: FreshnessSource
  /** Origin or rule gave the lifetime; a heuristic did not. */
  readonly explicit: boolean
  readonly noStore: boolean
  readonly isPrivate: boolean
  readonly isPublic: boolean
  /** Unqualified no-cache: each reuse needs validation (RFC 9111 §5.2.2.4). */
  readonly noCache: boolean
  /** No stale answer without validation: must-revalidate, proxy-revalidate, s-maxage (§5.2.2.2, .8, .10), no-cache. */
  readonly mustRevalidate: boolean
  /** RFC 5861 windows after the freshness, s. */
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
  readonly immutable: boolean
  readonly vary: readonly string[] | '*'
  /** A conditional request can be made of it (RFC 9111 §4.3.1). */
  readonly hasValidator: boolean
}

/**
 * All that the fields of one response say about caching it, read once and used both when it is judged and each time it may be
 * reused. Derived, never stored: a changed rule holds for what is already in the cache.
 */
export interface ResponsePolicy extends ReusePolicy {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

/** Status codes whose caching requirements this cache implements (RFC 9111 §3, must-understand). */
const UNDERSTOOD = new Set([
  200, 203, 204, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 409, 410, 411, 412,
  413, 414, 415, 416, 421, 422, 425, 426, 429, 431, 451, 500, 501, 502, 503, 504, 505,
])

export function understandsStatus(status: number): boolean {
  return UNDERSTOOD.has(status)
}

/** Reads the policy out of a response. `responseTime` in ms. */
export function policyOf(
  response: { readonly status: number; readonly fields: RawFields; readonly responseTime: number },
  rule: PolicyRule,
): ResponsePolicy {
  const { fields, status } = response
  const targeted = surrogateControl(fields, rule) ?? targetedCacheControl(fields, rule.targetedFields)
  const lines = targeted === undefined ? fieldLines(fields, 'cache-control') : []
  const directives =
    targeted?.directives ?? (lines.length === 0 ? NO_CACHE_CONTROL : parseCacheControl(lines))
  const freshness = freshnessLifetime(response, directives, targeted !== undefined, rule)
  // RFC 9111 §5.2.2.3: must-understand makes no-store void for a cache that understands the status code, and forbids
  // storing to one that does not.
  const mustUnderstand = directives.has('must-understand')
  const noStore = mustUnderstand ? !understandsStatus(status) : directives.has('no-store')
  const noCache = directives.has('no-cache') && directives.fieldNames('no-cache') === undefined
  const sharedMaxAge = directives.has('s-maxage')
  const mustRevalidate =
    noCache || sharedMaxAge || directives.has('must-revalidate') || directives.has('proxy-revalidate')
  const overridden = freshness.source === 'override'
  const { etag, lastModified } = validatorsOf(response)
  return {
    directives,
    targeted: targeted?.name,
    lifetime: freshness.lifetime,
    source: freshness.source,
    explicit: freshness.explicit,
    noStore,
    isPrivate: directives.has('private') && directives.fieldNames('private') === undefined,
    isPublic: directives.has('public'),
    noCache: noCache && !overridden,
    mustRevalidate,
    staleWhileRevalidate: staleWindow('stale-while-revalidate', rule.staleWhileRevalidate, directives, rule),
    staleIfError: staleWindow('stale-if-error', rule.staleIfError, directives, rule),
    immutable: directives.has('immutable'),
    vary: parseVary(fields),
    hasValidator: etag !== undefined || lastModified !== undefined,
    etag,
    lastModified,
  }
}

/** Surrogate-Control where it is asked for: it is meant for reverse proxies alone, so it rules as a targeted field does. */
function surrogateControl(fields: RawFields, { surrogateDevice }: PolicyRule) {
  if (surrogateDevice === undefined) return undefined
  const directives = parseSurrogateControl(fields, surrogateDevice)
  return directives && { name: 'Surrogate-Control', directives }
}

/** The response's own window, else the rule's; none where going stale without validation is forbidden (RFC 9111 §4.2.4). */
function staleWindow(
  name: string,
  ruled: number | undefined,
  directives: CacheControl,
  { besideSharedMaxAge }: PolicyRule,
): number {
  const forbids = (directive: string) => directives.has(directive)
  if (forbids('must-revalidate') || forbids('proxy-revalidate') || forbids('no-cache')) return 0
  if (forbids('s-maxage')) return besideSharedMaxAge ? (ruled ?? 0) : 0
  return directives.seconds(name) ?? ruled ?? 0
}

/** What a conditional request can be made of: the entity tag, and Last-Modified if it is a date. `responseTime` in ms. */
export function validatorsOf(response: { readonly fields: RawFields; readonly responseTime: number }): {
  etag: string | undefined
  lastModified: string | undefined
} {
  const { fields, responseTime } = response
  return {
    etag: fieldValue(fields, 'etag'),
    lastModified: validDate(fieldValue(fields, 'last-modified'), responseTime),
  }
}

function validDate(text: string | undefined, now: number): string | undefined {
  return text !== undefined && parseHttpDate(text, now) !== undefined ? text : undefined
}

/** True when a conditional request can be made of it (RFC 9111 §4.3.1). */
export function hasValidator(policy: ReusePolicy): boolean {
  return policy.hasValidator
}
