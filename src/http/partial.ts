import { strongMatch } from './conditional.js'
import { parseRangeSpec } from './range.js'
import type { StoredRange } from './stored-response.js'

/** Byte positions in the stored part, inclusive, with what to say in Content-Range. */
export interface PartSlice {
  /** Position in the stored bytes. */
  readonly offset: number
  readonly length: number
  /** Position in the whole representation. */
  readonly first: number
  readonly last: number
  readonly complete: number | undefined
}

/** RFC 9111 §4: a stored part answers a request for a range that lies within it, and nothing else. */
export function coversRange(part: StoredRange, range: string | undefined): boolean {
  return sliceOfPart(part, part.last - part.first + 1, range) !== undefined
}

/**
 * Where the asked range lies in the stored part of `size` bytes; undefined when it is not wholly there. Several ranges: undefined.
 *
 * `size` is the number of bytes stored. It is part.last − part.first + 1 wherever the origin counts right; when it does not
 * (accepted under a setting only), a range counts from the start of the part and a suffix from its end.
 */
export function sliceOfPart(
  part: StoredRange,
  size: number,
  range: string | undefined,
): PartSlice | undefined {
  const specs = range === undefined ? undefined : parseRangeSpec(range)
  if (specs === undefined || specs.length !== 1) return undefined
  const { first, last, suffix } = specs[0]!
  const { complete } = part
  const endsThere = complete !== undefined && part.last === complete - 1
  if (suffix !== undefined) {
    const known = endsThere && suffix > 0 && suffix <= size
    return known ? slice(part, size - suffix, suffix, complete! - suffix) : undefined
  }
  if (first === undefined || first < part.first || first > part.last) return undefined
  const end =
    last === undefined ? (endsThere ? part.last : undefined) : Math.min(last, (complete ?? Infinity) - 1)
  if (end === undefined || end > part.last || end < first) return undefined
  const offset = first - part.first
  if (offset >= size) return undefined
  return slice(part, offset, Math.min(end - first + 1, size - offset), first)
}

function slice(part: StoredRange, offset: number, length: number, first: number): PartSlice {
  return { offset, length, first, last: first + length - 1, complete: part.complete }
}

/** The Range that would complete a part that starts at 0 (RFC 9110 §15.3.7.3); undefined when it does not start there. */
export function completingRange(part: StoredRange): string | undefined {
  return part.first === 0 && part.complete !== part.last + 1 ? `bytes=${part.last + 1}-` : undefined
}

export interface PartMeta {
  readonly range: StoredRange
  readonly etag: string | undefined
}

/** How two parts make one: which bytes of each, in order. */
export interface Combination {
  readonly range: StoredRange
  /** Bytes of the stored part before and after the new part. */
  readonly before: number
  readonly afterFrom: number
}

/**
 * RFC 9111 §3.4: a stored part and a new one can be combined when they share a strong validator, agree on the complete length
 * and touch or overlap. Where they overlap the new one counts.
 */
export function combineParts(stored: PartMeta, fresh: PartMeta): Combination | undefined {
  if (stored.etag === undefined || fresh.etag === undefined || !strongMatch(stored.etag, fresh.etag))
    return undefined
  const a = stored.range
  const b = fresh.range
  if (a.complete !== undefined && b.complete !== undefined && a.complete !== b.complete) return undefined
  if (b.first > a.last + 1 || a.first > b.last + 1) return undefined
  const first = Math.min(a.first, b.first)
  const last = Math.max(a.last, b.last)
  const complete = b.complete ?? a.complete
  return {
    range: complete === undefined ? { first, last } : { first, last, complete },
    before: Math.max(0, b.first - a.first),
    afterFrom: Math.max(0, Math.min(a.last + 1, b.last + 1) - a.first),
  }
}
