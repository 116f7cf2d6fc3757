import { ServerResponse, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { fromHeaderObject } from '../http/fields.js'
import { endToEnd } from '../http/hop-by-hop.js'
import type { TwoViews } from './two-views.js'

/** Missing in the types of Node 20. */
type RawNames = ServerResponse & { getRawHeaderNames(): string[] }

const READERS = ['getHeader', 'getHeaders', 'getHeaderNames', 'getRawHeaderNames', 'hasHeader'] as const
const WRITERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const

/** Set by earlier middleware for all answers, these still rule the caching of this one. */
const CACHING = /^(?:expires|surrogate-control|(?:.+-)?cache-control)$/

/**
 * Header fields as handlers see them: those that earlier middleware had set are there, but only what the handlers set themselves is
 * the response that can be stored. The earlier ones (request ids, cookies, CORS) belong to this client's answer alone (P7).
 */
export class HandlerFields {
  readonly #shadow: RawNames
  readonly #touched = new Set<string>()

  constructor(
    req: IncomingMessage,
    private readonly earlier: OutgoingHttpHeaders,
  ) {
    this.#shadow = new ServerResponse(req) as RawNames
    for (const [name, value] of Object.entries(earlier)) this.#shadow.setHeader(name, value!)
  }

  /** `writable`: throws as node does once the head is out. */
  install(views: TwoViews, target: object, writable: (method: string) => void): void {
    const shadow = this.#shadow as unknown as Record<string, (...args: unknown[]) => unknown>
    for (const name of READERS) views.method(name, (...args) => shadow[name]!(...args))
    for (const name of WRITERS) {
      views.method(name, (...args) => {
        writable(name)
        const result = shadow[name]!(...args)
        this.#touch(args[0])
        return result === this.#shadow ? target : result
      })
    }
  }

  has(name: string): boolean {
    return this.#shadow.hasHeader(name)
  }

  set(name: string, value: string | number | readonly string[]): void {
    this.#shadow.setHeader(name, value)
    this.#touch(name)
  }

  /** As `writeHead` takes them: an object, `[name, value, …]` or `[[name, value], …]`. Each takes the place of what was there. */
  setAll(given: unknown): void {
    if (given === null || typeof given !== 'object') return
    if (!Array.isArray(given)) {
      for (const [name, value] of Object.entries(given))
        if (value !== undefined) this.set(name, value as string)
      return
    }
    const flat = Array.isArray(given[0]) ? (given as unknown[][]).flat() : (given as unknown[])
    for (let i = 0; i + 1 < flat.length; i += 2) this.#shadow.removeHeader(flat[i] as string)
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const [name, value] = [flat[i] as string, flat[i + 1] as string | readonly string[]]
      for (const line of Array.isArray(value) ? value : [value]) this.#shadow.appendHeader(name, String(line))
      this.#touch(name)
    }
  }

  /** Earlier fields that the handlers took off. */
  removed(): string[] {
    return Object.keys(this.earlier).filter(name => !this.#shadow.hasHeader(name))
  }

  /** What the handlers answer with: end-to-end fields. */
  own(): string[] {
    const headers = this.#shadow.getHeaders()
    const own: Record<string, string | string[] | number | undefined> = {}
    for (const raw of this.#shadow.getRawHeaderNames()) {
      const name = raw.toLowerCase()
      if (this.#touched.has(name)) own[raw] = withoutEarlier(headers[name], this.earlier[name])
      else if (CACHING.test(name)) own[raw] = headers[name]
    }
    return endToEnd(fromHeaderObject(own))
  }

  #touch(name: unknown): void {
    if (typeof name === 'string') this.#touched.add(name.toLowerCase())
    else if (name instanceof Headers || name instanceof Map)
      for (const key of name.keys()) this.#touch(key as string)
  }
}

/** A list that handlers added to (`res.cookie`, `res.append`) begins with what was there before. */
function withoutEarlier(
  value: OutgoingHttpHeaders[string],
  earlier: OutgoingHttpHeaders[string],
): OutgoingHttpHeaders[string] {
  if (!Array.isArray(value) || earlier === undefined) return value
  const before = Array.isArray(earlier) ? earlier : [String(earlier)]
  return before.every((line, i) => value[i] === line) ? value.slice(before.length) : value
}
