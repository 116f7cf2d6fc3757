import { fieldValue } from '../../http/fields.js'
import type { NoVarySearch } from '../../http/no-vary-search.js'
import { simplifiedUrl } from '../../http/simplified-url.js'
import { varianceOf, type Answer } from '../search-variance.js'
import { urlParts } from './url-parts.js'

/** Greatest bound of the hard and of the soft marks that say the same. */
export interface Bounds {
  hard: number
  soft: number
}

export function boundsIn(map: Map<string, Bounds>, name: string): Bounds {
  let bounds = map.get(name)
  if (bounds === undefined) map.set(name, (bounds = { hard: 0, soft: 0 }))
  return bounds
}

export function raise(bounds: Bounds, by: Bounds): void {
  bounds.hard = Math.max(bounds.hard, by.hard)
  bounds.soft = Math.max(bounds.soft, by.soft)
}

/** The marks about URLs of one path, as one No-Vary-Search sees them: by simplified URL. */
interface View {
  readonly variance: NoVarySearch
  readonly bounds: Map<string, Bounds>
}

interface OnePath {
  readonly urls: Map<string, Bounds>
  /** By the field's value. */
  readonly views: Map<string, View>
}

/** Paths say one and the same of all their URLs, or few different things; for more than these, marks are gone through. */
const MOST_VIEWS = 8

/** Marks about one URL each: looked up by an entry's URL, and by all that the entry's No-Vary-Search says to be the same. */
export class UrlMarks {
  readonly #paths = new Map<string, OnePath>()

  get size(): number {
    return this.#paths.size
  }

  /** `url`: absolute, or path and query. */
  add(url: string, by: Bounds): void {
    const path = withoutQuery(url)
    let found = this.#paths.get(path)
    if (found === undefined) this.#paths.set(path, (found = { urls: new Map(), views: new Map() }))
    raise(boundsIn(found.urls, url), by)
    for (const { variance, bounds } of found.views.values())
      raise(boundsIn(bounds, simplifiedUrl(url, variance)), by)
  }

  /** Greatest bounds of the marks about a URL that this answers for; undefined when there are none. */
  find(answer: Answer): Bounds | undefined {
    const { bare, path, target } = urlParts(answer.url)
    const whole = this.#find(bare, answer.url, answer)
    const local = this.#find(path, target, answer)
    if (whole === undefined || local === undefined) return whole ?? local
    return { hard: Math.max(whole.hard, local.hard), soft: Math.max(whole.soft, local.soft) }
  }

  #find(path: string, url: string, { fields }: Answer): Bounds | undefined {
    const found = this.#paths.get(path)
    if (found === undefined) return undefined
    const variance = varianceOf(fields)
    if (variance === undefined) return found.urls.get(url)
    return viewOf(found, variance, fieldValue(fields, 'no-vary-search')!).get(simplifiedUrl(url, variance))
  }
}

function viewOf({ urls, views }: OnePath, variance: NoVarySearch, value: string): View['bounds'] {
  const known = views.get(value)
  if (known !== undefined) return known.bounds
  const bounds = new Map<string, Bounds>()
  for (const [url, by] of urls) raise(boundsIn(bounds, simplifiedUrl(url, variance)), by)
  if (views.size < MOST_VIEWS) views.set(value, { variance, bounds })
  return bounds
}

function withoutQuery(url: string): string {
  const mark = url.indexOf('?')
  return mark === -1 ? url : url.slice(0, mark)
}
