import { fieldLines, fieldValue, type RawFields } from './fields.js'
import { parseAge } from './age.js'
import type { CacheControl } from './cache-control.js'
import { parseHttpDate } from './http-date.js'
import type { PolicyRule } from './policy-rule.js'

export type FreshnessSource =
  'override' | 's-maxage' | 'max-age' | 'expires' | 'status-rule' | 'rule' | 'heuristic' | 'none'

export interface FreshnessLifetime {
  /** Seconds. */
  readonly lifetime: number
  readonly source: FreshnessSource
  readonly explicit: boolean
}

/** Final status codes that may be given heuristic freshness (RFC 9110 §15.1). */
const HEURISTIC = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501])

/** RFC 9111 §4.2.2: without explicit freshness, where the operator takes such statuses (`isImplicit`). */
export function mayBeImplicit(
  status: number,
  isPublic: boolean,
  isImplicit: (status: number) => boolean,
): boolean {
  return isImplicit(status) && (isPublic || HEURISTIC.has(status))
}

/**
 * RFC 9111 §4.2.1 for a shared cache: rule's override, s-maxage, max-age, Expires − Date, rule's default, heuristic.
 * With a targeted field (RFC 9213 §2.2) Expires does not count.
 */
export function freshnessLifetime(
  response: { readonly status: number; readonly fields: RawFields; readonly responseTime: number },
  directives: CacheControl,
  isTargeted: boolean,
  rule: PolicyRule,
): FreshnessLifetime {
  if (rule.overrideTtl !== undefined) return explicit(rule.overrideTtl, 'override')
  for (const name of ['s-maxage', 'max-age'] as const) {
    if (!directives.has(name)) continue
    // A value that can't be read is taken as stale (RFC 9111 §4.2.1: encouraged to consider it stale).
    return explicit(directives.seconds(name) ?? 0, name)
  }
  if (!isTargeted) {
    const expires = fieldLines(response.fields, 'expires')
    if (expires.length > 0) return explicit(expiresLifetime(expires, response), 'expires')
  }
  return withoutExplicit(response, directives, rule)
}

/** RFC 9111 §5.3: an Expires that can't be read, and one of several lines, is in the past. */
function expiresLifetime(lines: string[], response: { fields: RawFields; responseTime: number }): number {
  const expires = lines.length === 1 ? parseHttpDate(lines[0]!, response.responseTime) : undefined
  if (expires === undefined) return 0
  return Math.max(0, (expires - dateOf(response)) / 1000)
}

function withoutExplicit(
  response: { readonly status: number; readonly fields: RawFields; readonly responseTime: number },
  directives: CacheControl,
  rule: PolicyRule,
): FreshnessLifetime {
  const { status } = response
  const byStatus = rule.statusTtl?.[String(status)] ?? rule.statusTtl?.[`${Math.floor(status / 100)}xx`]
  if (byStatus !== undefined) return explicit(byStatus, 'status-rule')
  const heuristicAllowed = mayBeImplicit(status, directives.has('public'), rule.isImplicit)
  // A rule's ttl stands for the heuristic: it fills the same gap, for the same status codes.
  if (rule.ttl !== undefined && heuristicAllowed) return explicit(rule.ttl, 'rule')
  if (!heuristicAllowed || rule.heuristicFraction === 0)
    return { lifetime: 0, source: 'none', explicit: false }
  const text = fieldValue(response.fields, 'last-modified')
  const modified = text === undefined ? undefined : parseHttpDate(text, response.responseTime)
  if (modified === undefined) return { lifetime: 0, source: 'none', explicit: false }
  const sinceModified = Math.max(0, (dateOf(response) - modified) / 1000)
  return {
    lifetime: Math.min(sinceModified * rule.heuristicFraction, rule.heuristicMax),
    source: 'heuristic',
    explicit: false,
  }
}

function explicit(lifetime: number, source: FreshnessSource): FreshnessLifetime {
  return { lifetime, source, explicit: true }
}

/** The Date field, or when the response came if it has none (RFC 9110 §6.6.1); ms. */
export function dateOf(response: { readonly fields: RawFields; readonly responseTime: number }): number {
  const text = fieldValue(response.fields, 'date')
  return (
    (text === undefined ? undefined : parseHttpDate(text, response.responseTime)) ?? response.responseTime
  )
}

/** RFC 9111 §4.2.3 corrected_initial_age, ms. Keep it: it does not change while the response is stored. */
export function initialAge(response: {
  readonly fields: RawFields
  readonly requestTime: number
  readonly responseTime: number
}): number {
  const apparent = Math.max(0, response.responseTime - dateOf(response))
  const corrected = (parseAge(response.fields) ?? 0) * 1000 + (response.responseTime - response.requestTime)
  return Math.max(apparent, corrected)
}

/** RFC 9111 §4.2.3 current_age, ms. A clock set back never makes a response younger than it was. */
export function currentAge(initial: number, responseTime: number, now: number): number {
  return initial + Math.max(0, now - responseTime)
}
