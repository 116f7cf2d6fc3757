import { randomBytes } from 'node:crypto'
import { fieldValue, type RawFields } from '../../http/fields.js'
import type { Entry, TileBook, TileCriterion } from '../ports/index.js'
import { compileGlob } from '../glob/glob.js'
import { patternTest, prefixTest, urlTest } from './url-criteria.js'
import { urlParts } from './url-parts.js'

/** What an invalidation is about: an entry is concerned when all criteria that are given hold for it. */
export interface Criteria {
  readonly all?: true
  /** Primary key: all variants. */
  readonly key?: string
  /** Effective request URL, absolute, or path and query alone: this one, and what answers for it (No-Vary-Search). */
  readonly url?: string
  /** Beginning of the URL, or of path and query when it begins with `/`. */
  readonly prefix?: string
  /** Host of the URL; without a port: on any port. */
  readonly host?: string
  /** Glob over the URL, see `compileUrlGlob`. */
  readonly pattern?: string
  readonly tag?: string
  /** Media type, glob: `image/*`. */
  readonly contentType?: string
  readonly status?: number
  /** Responses that came before this time, ms since the epoch. */
  readonly olderThan?: number
  /** Bodies of at least so many bytes. */
  readonly minBytes?: number
  /** Tiles of a map layer: an area, or a list. */
  readonly tiles?: TileCriterion
}

/** One invalidation. In the log it has a seq; entries stamped below that are concerned. */
export interface Mark extends Criteria {
  /** Entries become stale; otherwise they are dead. */
  readonly soft: boolean
  /** When it was made, ms since the epoch. For people: the order is that of the log. */
  readonly at: number
  readonly id: string
  /** Only entries stamped below this seq: what the mark's own seq was before it was moved to the log's end. */
  readonly before?: number
}

/** What marks are held against. */
export type Subject = Pick<
  Entry,
  'key' | 'url' | 'tags' | 'tile' | 'stamp' | 'fields' | 'status' | 'responseTime' | 'body'
>

export function newMark(criteria: Criteria, options: { soft?: boolean; at: number }): Mark {
  return {
    ...criteria,
    soft: options.soft ?? false,
    at: options.at,
    id: randomBytes(9).toString('base64url'),
  }
}

const compiled = new WeakMap<Mark, (entry: Subject) => boolean>()

/**
 * Whether the mark is about this entry, by its criteria alone (without their order).
 * @param tiles the layers of this node; the same for every question about one mark
 */
export function concerns(mark: Mark, entry: Subject, tiles?: TileBook): boolean {
  let test = compiled.get(mark)
  if (test === undefined) compiled.set(mark, (test = compileCriteria(mark, tiles)))
  return test(entry)
}

/** What a request tells of the response to come. */
export interface Expected extends Pick<Subject, 'key' | 'url'> {
  /** The response may answer for other queries as well, and go under another key (No-Vary-Search). */
  readonly anyQuery: boolean
}

const byUrl = new WeakMap<Mark, (entry: Subject) => boolean>()
const byAnyQuery = new WeakMap<Mark, (entry: Subject) => boolean>()
const ITS_OWN: RawFields = []
const ANY_QUERY: RawFields = ['No-Vary-Search', 'key-order, params']

/** Whether the mark could be about a response of which nothing else is known yet: when in doubt, yes. */
export function mightConcern(mark: Mark, { key, url, anyQuery }: Expected, book?: TileBook): boolean {
  const known = anyQuery ? byAnyQuery : byUrl
  let test = known.get(mark)
  if (test === undefined) {
    const { key, url, prefix, host, pattern, tiles } = mark
    // Which tile it is may lie in the query.
    const criteria = anyQuery ? { url, prefix, host, pattern } : { key, url, prefix, host, pattern, tiles }
    known.set(mark, (test = compileCriteria(criteria, book)))
  }
  return test({ key, url, fields: anyQuery ? ANY_QUERY : ITS_OWN } as Subject)
}

/** @throws StrataError STRATA_BAD_REQUEST for a pattern that cannot be matched. */
export function compileCriteria(criteria: Criteria, book?: TileBook): (entry: Subject) => boolean {
  const { key, url, prefix, host, pattern, tag, contentType, status, olderThan, minBytes } = criteria
  const tests: ((entry: Subject) => boolean)[] = []
  if (key !== undefined) tests.push(entry => entry.key === key)
  if (tag !== undefined) tests.push(entry => entry.tags.includes(tag))
  if (status !== undefined) tests.push(entry => entry.status === status)
  if (olderThan !== undefined) tests.push(entry => entry.responseTime < olderThan)
  if (minBytes !== undefined) tests.push(entry => entry.body.size >= minBytes)
  if (host !== undefined) tests.push(entry => isOnHost(entry.url, host))
  if (url !== undefined) tests.push(urlTest(url))
  if (prefix !== undefined) tests.push(prefixTest(prefix))
  if (contentType !== undefined) {
    const glob = compileGlob(contentType)
    tests.push(entry => glob(mediaType(entry)))
  }
  if (pattern !== undefined) tests.push(patternTest(pattern))
  // Without layers nobody can say which tile an entry is: it may be one of these.
  if (criteria.tiles !== undefined && book !== undefined) tests.push(book.matcher(criteria.tiles))
  return entry => {
    for (const test of tests) if (!test(entry)) return false
    return true
  }
}

function isOnHost(url: string, host: string): boolean {
  const { authority } = urlParts(url)
  return (
    authority === host || (authority.startsWith(`${host}:`) && /^\d+$/.test(authority.slice(host.length + 1)))
  )
}

function mediaType({ fields }: Subject): string {
  const value = fieldValue(fields, 'content-type') ?? ''
  return value.split(';', 1)[0]!.trim().toLowerCase()
}
