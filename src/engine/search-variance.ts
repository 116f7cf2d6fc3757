import { hasField, type RawFields } from '../http/fields.js'
import { parseNoVarySearch, type NoVarySearch } from '../http/no-vary-search.js'
import { simplifiedUrl } from '../http/simplified-url.js'

/** A stored response, or one that comes, and the URL that it was asked for by (or one that its No-Vary-Search calls the same). */
export interface Answer {
  readonly url: string
  readonly fields: RawFields
}

// Fields never change, and residents are held against URLs again and again.
const read = new WeakMap<RawFields, NoVarySearch | 'none'>()

/** What a response's own No-Vary-Search says; undefined when the whole query matters. */
export function varianceOf(fields: RawFields): NoVarySearch | undefined {
  if (!hasField(fields, 'no-vary-search')) return undefined
  let variance = read.get(fields)
  if (variance === undefined) read.set(fields, (variance = parseNoVarySearch(fields) ?? 'none'))
  return variance === 'none' ? undefined : variance
}

/**
 * Whether a response answers for a URL: it is its own, or differs from it only in what the response's own No-Vary-Search says not to
 * matter. The one home of the question: who is answered with an entry, and which entries a purge of a URL hits, must be the same (P1).
 */
export function answersFor({ url, fields }: Answer, asked: string): boolean {
  if (asked === url) return true
  const variance = varianceOf(fields)
  return variance !== undefined && simplifiedUrl(asked, variance) === simplifiedUrl(url, variance)
}
