import { randomBytes } from 'node:crypto'
import { fieldValue } from '../../http/fields.js'
import type { Entry, TileBook, TileCriterion } from '../ports/index.js'
import { compileGlob } from './glob.js'
import { compileUrlGlob } from './url-glob.js'
import { urlParts } from './url-parts.js'

/** What an invalidation is about: an entry is concerned when all criteria that are given hold for it. */
export interface Criteria {
  readonly all?: true
  /** Primary key: all variants. */
  readonly key?: string
  /** Effective request URL, absolute, or path and query alone: exactly this one. */
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

const byUrl = new WeakMap<Mark, (entry: Subject) => boolean>()

/** Whether the mark could be about a response for this key and URL of which nothing else is known yet: when in doubt, yes. */
export function mightConcern(mark: Mark, request: Pick<Subject, 'key' | 'url'>, book?: TileBook): boolean {
  let test = byUrl.get(mark)
  if (test === undefined) {
    const { key, url, prefix, host, pattern, tiles } = mark
    byUrl.set(mark, (test = compileCriteria({ key, url, prefix, host, pattern, tiles }, book)))
  }
  return test(request as Subject)
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
  if (url !== undefined) tests.push(entry => textFor(url, entry) === url)
  if (prefix !== undefined) tests.push(entry => textFor(prefix, entry).startsWith(prefix))
  if (contentType !== undefined) {
    const glob = compileGlob(contentType)
    tests.push(entry => glob(mediaType(entry)))
  }
  if (pattern !== undefined) {
    const glob = compileUrlGlob(pattern)
    tests.push(entry => glob(entry.url))
  }
  // Without layers nobody can say which tile an entry is: it may be one of these.
  if (criteria.tiles !== undefined && book !== undefined) tests.push(book.matcher(criteria.tiles))
  return entry => {
    for (const test of tests) if (!test(entry)) return false
    return true
  }
}

/** What a criterion is compared with: path and query if it begins with `/`, else the whole URL. */
function textFor(criterion: string, { url }: Subject): string {
  return criterion.startsWith('/') ? urlParts(url).target : url
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
