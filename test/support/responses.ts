import { NO_CACHE_CONTROL, parseCacheControl, type CacheControl } from '../../src/http/cache-control.js'
import type { Candidate, DecideRequest } from '../../src/http/decide.js'
import { initialAge } from '../../src/http/freshness.js'
import { policyOf, type ResponsePolicy } from '../../src/http/policy.js'
import type { PolicyRule } from '../../src/http/policy-rule.js'
import type { StoredResponse } from '../../src/http/stored-response.js'

/** 2026-01-01T00:00:00Z, ms: when the responses of policy tests came. */
export const CAME = 1_767_225_600_000

/** An HTTP-date so many seconds after {@link CAME}. */
export const dateAt = (seconds: number): string => new Date(CAME + seconds * 1000).toUTCString()

export const PLAIN_RULE: PolicyRule = {
  besideSharedMaxAge: false,
  targetedFields: ['CDN-Cache-Control'],
  heuristicFraction: 0.1,
  heuristicMax: 86_400,
  isImplicit: () => true,
}

/** Raw fields from an object; a list gives one line each. */
export function fieldsOf(fields: Record<string, string | readonly string[]>): string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).flatMap(line => [name, line]),
  )
}

export function policyFor(
  fields: Record<string, string | readonly string[]>,
  { status = 200, rule = {} }: { status?: number; rule?: Partial<PolicyRule> } = {},
): ResponsePolicy {
  const response = { status, fields: fieldsOf(fields), responseTime: CAME }
  return policyOf(response, { ...PLAIN_RULE, ...rule })
}

export interface CandidateOptions extends Partial<StoredResponse> {
  readonly soft?: boolean
  readonly rule?: Partial<PolicyRule>
}

/** A stored response that came at {@link CAME}, at once. */
export function candidateFor(
  fields: Record<string, string | readonly string[]>,
  { soft = false, rule = {}, ...overrides }: CandidateOptions = {},
): Candidate {
  const stored: StoredResponse = {
    method: 'GET',
    status: 200,
    reason: 'OK',
    fields: fieldsOf(fields),
    requestTime: CAME,
    responseTime: CAME,
    selecting: [],
    ...overrides,
  }
  return {
    stored,
    policy: policyOf(stored, { ...PLAIN_RULE, ...rule }),
    initialAge: initialAge(stored),
    soft,
  }
}

export function requestFor(
  cacheControl?: string,
  overrides: Partial<Omit<DecideRequest, 'directives'>> = {},
): DecideRequest {
  const directives: CacheControl =
    cacheControl === undefined ? NO_CACHE_CONTROL : parseCacheControl([cacheControl])
  return {
    method: 'GET',
    directives,
    hasAuthorization: false,
    range: undefined,
    ifRange: undefined,
    ...overrides,
  }
}
