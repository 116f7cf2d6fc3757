import { NO_CACHE_CONTROL, parseCacheControl, type CacheControl } from '../http/cache-control.js'
import type { DecideRequest } from '../http/decide.js'
import { completingRange } from '../http/partial.js'
import { validatorsOf } from '../http/policy.js'
import type { EntryCandidate } from './candidates.js'
import type { Exchange } from './exchange.js'
import type { ForwardMode } from './forward.js'
import type { Identity } from './identity.js'
import type { Rule } from './rules.js'
import type { UnkeyedFields } from './unkeyed-fields.js'

/** One request on its way: what the steps have found so far. */
export interface Trip {
  readonly x: Exchange
  readonly rule: Rule
  /** Where it looks now, and what it asks for: with No-Vary-Search this can change on the way. */
  identity: Identity
  readonly directives: CacheControl
  /** Set when it comes to a flight. */
  unkeyed: UnkeyedFields
  /** Times it was sent back to `lookup`: released by a flight, or a body could not be read. */
  attempts: number
  /** When it first went to the stores, monotonic ms; 0 before. */
  arrivedAt: number
  /** When the stores were asked, monotonic ms. */
  lookedUpAt: number
  /** Nothing that No-Vary-Search makes of its URL answers for it: it goes on as it was asked. */
  literal: boolean
}

const ONLY_IF_CACHED = /only-if-cached/i

/** What `decide` needs to know of the request. */
export function requestFacts(trip: Trip): DecideRequest {
  const { method, headers } = trip.x.request
  return {
    method,
    directives: trip.directives,
    hasAuthorization: headers.authorization !== undefined,
    range: method === 'GET' ? (headers.range as string | undefined) : undefined,
    ifRange: headers['if-range'] as string | undefined,
  }
}

/** The request's directives as far as the rule honours them (RFC 9111 §5.2.1, §5.4). */
export function directivesOf(x: Exchange, rule: Rule): CacheControl {
  const { headers } = x.request
  const text = headers['cache-control'] as string | undefined
  if (rule.requestDirectives === 'ignore') return NO_CACHE_CONTROL
  if (text === undefined) {
    const pragma = rule.requestDirectives === 'honour' && /no-cache/i.test(String(headers.pragma ?? ''))
    return pragma ? parseCacheControl(['no-cache']) : NO_CACHE_CONTROL
  }
  if (rule.requestDirectives === 'honour') return parseCacheControl([text])
  return ONLY_IF_CACHED.test(text) && parseCacheControl([text]).has('only-if-cached')
    ? parseCacheControl(['only-if-cached'])
    : NO_CACHE_CONTROL
}

/** What tells flights apart: key, method, range, and what the request has of its own. Whether a request may join one is for the fence to say. */
export function flightName({ x, identity, unkeyed }: Pick<Trip, 'x' | 'identity' | 'unkeyed'>): string {
  const { method, headers } = x.request
  const range = method === 'GET' ? (headers.range as string | undefined) : undefined
  const part = range === undefined ? '' : `${range}\n${String(headers['if-range'] ?? '')}`
  const own = unkeyed.own.map(name => `${name}: ${String(headers[name])}\n`).join('')
  return `${method}\n${part}\n${own}${identity.text}`
}

/** How the origin is asked, by what was decided. */
export function modeOf(
  trip: Trip,
  decision: { action: 'revalidate' | 'fetch'; chosen: EntryCandidate | undefined },
): ForwardMode {
  const { chosen } = decision
  if (decision.action === 'revalidate')
    return { kind: 'revalidate', validators: validatorsOf(chosen!.stored) }
  const { request } = trip.x
  if (
    request.method === 'GET' &&
    request.headers.range === undefined &&
    chosen?.stored.range !== undefined &&
    !chosen.soft
  ) {
    const range = completingRange(chosen.stored.range)
    if (range !== undefined) return { kind: 'complete', range, validators: validatorsOf(chosen.stored) }
  }
  return { kind: 'fetch', range: request.method === 'GET' }
}
