import { effectiveQuery, keyText, primaryKey } from '../http/key.js'
import type { NoVarySearch } from '../http/no-vary-search.js'
import { simplifiedUrl } from '../http/simplified-url.js'
import type { ClientRequest } from './exchange.js'
import type { TileRef } from './ports/index.js'
import type { Rule, Rules } from './rules.js'

/** The step `key`: what the origin would receive, and the primary key made of exactly that (P4). */
export interface Identity {
  /** Path and query that the origin receives. */
  readonly target: string
  /** Effective request URL. */
  readonly url: string
  /** Tells keys apart without a hash: for maps in this process. */
  readonly text: string
  /** The Cookie field that the origin receives. */
  readonly cookie: string | undefined
  /** SHA-256 primary key, made when first asked for: a hit in memory needs none. */
  readonly key: string
  /** What the origin receives, and so what its answer answers for: this, but where it gets the request as it came (`simplified`). */
  readonly fetched: Identity
  /** What it was before No-Vary-Search made this of it; undefined when that did nothing. */
  readonly asked: Identity | undefined
  /**
   * The same with the one URL that stands for all that No-Vary-Search says to be the same; itself when it is that already.
   * @param forwards the origin receives that URL too (P4); else the one that was asked for
   */
  simplified(variance: NoVarySearch, forwards: boolean): Identity
}

export function identify(request: ClientRequest, rule: Rule): Identity {
  const target = targetOf(request, rule)
  const url = `${request.scheme}://${request.authority}${target}`
  const cookie = forwardedCookie(request, rule)
  const extra = extraParts(request, rule, cookie)
  return new LazyIdentity(target, url, cookie, extra)
}

class LazyIdentity implements Identity {
  #key: string | undefined
  readonly text: string

  constructor(
    readonly target: string,
    readonly url: string,
    readonly cookie: string | undefined,
    private readonly extra: readonly string[],
    readonly asked: Identity | undefined = undefined,
    private readonly forwards = true,
  ) {
    this.text = extra.length === 0 ? url : keyText([url, ...extra])
  }

  get key(): string {
    return (this.#key ??= primaryKey([this.url, ...this.extra]))
  }

  get fetched(): Identity {
    return this.forwards ? this : this.asked!
  }

  simplified(variance: NoVarySearch, forwards: boolean): Identity {
    const url = simplifiedUrl(this.url, variance)
    if (url === this.url) return this
    const target = forwards ? simplifiedUrl(this.target, variance) : this.target
    return new LazyIdentity(target, url, this.cookie, this.extra, this, forwards)
  }
}

function targetOf(request: ClientRequest, rule: Rule): string {
  if (request.query === undefined) return request.path
  if (rule.query === undefined) return `${request.path}?${request.query}`
  const query = effectiveQuery(request.query, rule.query)
  return query === '' ? request.path : `${request.path}?${query}`
}

/** The tile that the origin is asked for, where the rule has a layer; `none` for a URL like that of a tile that there cannot be. */
export function tileOf(
  { target }: Pick<Identity, 'target'>,
  { layer }: Pick<Rule, 'layer'>,
): TileRef | 'none' | undefined {
  if (layer === undefined) return undefined
  const mark = target.indexOf('?')
  return mark === -1
    ? layer.tileOf(target, undefined)
    : layer.tileOf(target.slice(0, mark), target.slice(mark + 1))
}

/** `bypass` and `forward` leave Cookie as it is; key cookies are all that is forwarded where a rule names them. */
function forwardedCookie(request: ClientRequest, rule: Rule): string | undefined {
  const cookie = request.headers.cookie
  if (typeof cookie !== 'string') return undefined
  if (rule.keyCookies.length > 0) return keptCookies(cookie, rule.keyCookies)
  return rule.cookies === 'strip' ? undefined : cookie
}

function keptCookies(cookie: string, names: readonly string[]): string | undefined {
  const kept = cookie
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => names.includes(cookieName(pair)))
  return kept.length === 0 ? undefined : kept.join('; ')
}

function cookieName(pair: string): string {
  const equals = pair.indexOf('=')
  return equals === -1 ? pair : pair.slice(0, equals).trim()
}

const NONE: readonly string[] = []

function extraParts(request: ClientRequest, rule: Rule, cookie: string | undefined): readonly string[] {
  if (rule.keyHeaders.length === 0 && rule.keyCookies.length === 0) return NONE
  const parts: string[] = []
  for (const name of rule.keyHeaders) {
    const value = request.headers[name]
    // Absent and empty are two things: the origin sees the difference.
    parts.push(name, value === undefined ? '0' : `1${String(value)}`)
  }
  if (rule.keyCookies.length > 0) parts.push('cookie', cookie ?? '')
  return parts
}

/** The URL (absolute, or path and query) that the rules make of this one: what its entries are listed under. */
export function effectiveUrl(url: string, rules: Rules): string {
  const mark = url.indexOf('?')
  if (mark === -1) return url
  const base = url.slice(0, mark)
  const { query: rule } = rules.match(base.replace(/^https?:\/\/[^/]*/, ''))
  if (rule === undefined) return url
  const query = effectiveQuery(url.slice(mark + 1), rule)
  return query === '' ? base : `${base}?${query}`
}
