/** One element of a Range field as written: `first-last`, `first-` or `-suffix`. */
export interface RangeSpec {
  readonly first?: number
  readonly last?: number
  readonly suffix?: number
}

/** Byte positions, both inclusive. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

export type RangeRequest =
  /** Answer with the whole representation: there is no Range, or one that may be ignored (RFC 9110 §14.2). */
  | { readonly kind: 'none' }
  /** Answer 416. */
  | { readonly kind: 'unsatisfiable' }
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[] }

/** More ranges in one request are taken for an attack (RFC 9110 §17.15) and answered with the whole representation. */
export const MAX_RANGES = 8

const NONE: RangeRequest = { kind: 'none' }
const UNSATISFIABLE: RangeRequest = { kind: 'unsatisfiable' }

/**
 * Reads a Range field whose representation's size is not known yet.
 * @returns undefined when the field is absent, is of another unit than bytes, is invalid, or has more than {@link MAX_RANGES}.
 */
export function parseRangeSpec(value: string | undefined): readonly RangeSpec[] | undefined {
  if (value === undefined) return undefined
  const equals = value.indexOf('=')
  if (equals === -1 || value.slice(0, equals).toLowerCase() !== 'bytes') return undefined
  const specs: RangeSpec[] = []
  for (const element of value.slice(equals + 1).split(',')) {
    const text = element.trim()
    if (text === '') continue // RFC 9110 §5.6.1.2: empty elements are skipped
    const spec = specOf(text)
    if (spec === undefined || specs.length === MAX_RANGES) return undefined
    specs.push(spec)
  }
  return specs.length === 0 ? undefined : specs
}

/**
 * What a Range field asks of a representation of `size` bytes (RFC 9110 §14.1.2). Ranges that lie wholly beyond the end are left
 * out; when none is left the request is unsatisfiable. Ranges that overlap are answered with the whole representation.
 */
export function parseRange(value: string | undefined, size: number): RangeRequest {
  const specs = parseRangeSpec(value)
  if (specs === undefined) return NONE
  // Nothing of nothing can't be said with Content-Range, so a suffix of an empty representation gets the (empty) whole.
  if (size === 0 && specs.some(spec => spec.suffix !== undefined && spec.suffix > 0)) return NONE
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = resolve(spec, size)
    if (range === undefined) continue
    if (ranges.some(other => range.first <= other.last && other.first <= range.last)) return NONE
    ranges.push(range)
  }
  return ranges.length === 0 ? UNSATISFIABLE : { kind: 'ranges', ranges }
}

/** Reads Content-Range (RFC 9110 §14.4) of bytes; undefined when it is another unit or invalid. `complete` is absent for `*`. */
export function parseContentRange(
  value: string | undefined,
): { first: number; last: number; complete?: number } | { unsatisfied: number } | undefined {
  const m = value === undefined ? null : /^bytes +(?:(\d+)-(\d+)\/(\d+|\*)|\*\/(\d+))$/i.exec(value)
  if (m === null) return undefined
  if (m[4] !== undefined) {
    const unsatisfied = position(m[4])
    return unsatisfied === undefined ? undefined : { unsatisfied }
  }
  const [first, last] = [position(m[1]!), position(m[2]!)]
  if (first === undefined || last === undefined || last < first) return undefined
  if (m[3] === '*') return { first, last }
  const complete = position(m[3]!)
  return complete === undefined || complete <= last ? undefined : { first, last, complete }
}

/** Content-Range of a part; positions inclusive, `complete` undefined when the whole length is not known. */
export function formatContentRange(first: number, last: number, complete: number | undefined): string {
  return `bytes ${first}-${last}/${complete ?? '*'}`
}

function specOf(text: string): RangeSpec | undefined {
  const m = /^(\d*)-(\d*)$/.exec(text)
  if (m === null) return undefined
  const [, from, to] = m
  if (from === '') return to === '' ? undefined : { suffix: bounded(to!) }
  const first = bounded(from!)
  if (to === '') return { first }
  const last = bounded(to!)
  return last < first ? undefined : { first, last }
}

function resolve(spec: RangeSpec, size: number): ByteRange | undefined {
  if (spec.suffix !== undefined) {
    return spec.suffix === 0 ? undefined : { first: Math.max(size - spec.suffix, 0), last: size - 1 }
  }
  const first = spec.first!
  return first >= size ? undefined : { first, last: Math.min(spec.last ?? size - 1, size - 1) }
}

/** A position so large that it can't be counted exactly lies beyond every end all the same. */
function bounded(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER)
}

function position(digits: string): number | undefined {
  const value = Number(digits)
  return Number.isSafeInteger(value) ? value : undefined
}
