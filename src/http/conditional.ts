import { isStrong, parseEntityTags, strongMatch, weakMatch } from './entity-tag.js'
import { parseHttpDate } from './http-date.js'

export { parseEntityTags, strongMatch, weakMatch } from './entity-tag.js'

/** The request's precondition fields, each combined to one value. */
export interface Preconditions {
  readonly method: string
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
  readonly ifModifiedSince?: string
  readonly ifUnmodifiedSince?: string
}

/** What a stored response says of its representation. */
export interface Validators {
  readonly etag?: string
  readonly lastModified?: string
  readonly date?: string
  /** When the response came, ms since the epoch. */
  readonly responseTime: number
}

export interface PreconditionOptions {
  /**
   * If-Modified-Since against a stored response without Last-Modified. `date` (default): compare with its Date, or with the time
   * when it came (RFC 9111 §4.3.2). `unmodified`: take it for not modified since any date, as the public test suite's
   * conditional-lm-fresh-no-lm wants; a client may then keep an older copy than the cache has.
   */
  readonly withoutLastModified?: 'date' | 'unmodified'
}

/**
 * Evaluates preconditions for an answer from the cache, by the precedence of RFC 9110 §13.2.2. A cache looks at If-None-Match and
 * If-Modified-Since only (RFC 9111 §4.3.2): If-Match and If-Unmodified-Since are the origin's to evaluate and say nothing here.
 * @param now ms since the epoch, for two-digit years.
 * @returns `not-modified`: answer 304; `failed`: answer 412 (If-None-Match of a method other than GET and HEAD); else `proceed`.
 */
export function evaluatePreconditions(
  request: Preconditions,
  stored: Validators,
  now: number,
  options: PreconditionOptions = {},
): 'proceed' | 'not-modified' | 'failed' {
  const reads = request.method === 'GET' || request.method === 'HEAD'
  if (request.ifNoneMatch !== undefined) {
    // With If-None-Match, If-Modified-Since is ignored, matching or not (RFC 9110 §13.1.3).
    if (!listMatches(request.ifNoneMatch, stored.etag)) return 'proceed'
    return reads ? 'not-modified' : 'failed'
  }
  if (request.ifModifiedSince === undefined || !reads) return 'proceed'
  const since = parseHttpDate(request.ifModifiedSince, now)
  if (since === undefined) return 'proceed' // RFC 9110 §13.1.3: an invalid date is ignored
  return modificationTime(stored, now, options) <= since ? 'not-modified' : 'proceed'
}

/**
 * Whether If-Range lets a Range be answered from the stored response (RFC 9110 §13.1.5): its entity tag matches strongly, or its
 * date equals a Last-Modified that is strong because Date is at least a second later (RFC 9110 §8.8.2.2). True without If-Range.
 */
export function ifRangeHolds(ifRange: string | undefined, stored: Validators, now: number): boolean {
  if (ifRange === undefined) return true
  if (isStrong(ifRange)) return stored.etag !== undefined && strongMatch(ifRange, stored.etag)
  const asked = parseHttpDate(ifRange, now)
  const modified = instantOf(stored.lastModified, now)
  const date = instantOf(stored.date, now)
  if (asked === undefined || modified === undefined || date === undefined) return false
  return asked === modified && date - modified >= 1000
}

function listMatches(list: string, etag: string | undefined): boolean {
  const tags = parseEntityTags(list)
  if (tags === '*') return true // RFC 9110 §13.1.2: there is a current representation, this one
  return etag !== undefined && tags.some(tag => weakMatch(tag, etag))
}

/** When the stored representation was last modified, as far as the cache can tell, ms (RFC 9111 §4.3.2). */
function modificationTime(stored: Validators, now: number, options: PreconditionOptions): number {
  const modified = instantOf(stored.lastModified, now)
  if (modified !== undefined) return modified
  if (options.withoutLastModified === 'unmodified' && stored.lastModified === undefined) return -Infinity
  return instantOf(stored.date, now) ?? stored.responseTime
}

function instantOf(text: string | undefined, now: number): number | undefined {
  return text === undefined ? undefined : parseHttpDate(text, now)
}
