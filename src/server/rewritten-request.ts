import type { IncomingMessage } from 'node:http'
import type { OriginRequest } from '../engine/origin.js'
import { fieldValue, withoutRepeated } from '../http/fields.js'

/** Fields that the engine may have put on, or changed. */
const REWRITTEN = new Set(['range', 'if-range', 'if-none-match', 'if-modified-since', 'cookie', 'origin'])

/** They belong to this connection, and node reads them; in the engine's list of end-to-end fields they do not stand. */
const OF_CONNECTION = new Set(['host', 'connection', 'transfer-encoding', 'content-length', 'expect'])

type Parsed = Record<string, unknown>
type ExpressRequest = IncomingMessage & {
  originalUrl?: string
  baseUrl?: string
  query?: unknown
  cookies?: unknown
  signedCookies?: unknown
  app?: { get?: (name: string) => unknown }
}

/** Makes the request that the handlers see the one that the key holds, and no more (P4). */
export function rewriteRequest(req: IncomingMessage, { fields, target, authority }: OriginRequest): void {
  rewriteFields(req, fields, authority)
  rewriteCookies(req, fieldValue(fields, 'cookie'))
  rewriteForm(req)
  rewriteQuery(req, queryOf(target))
}

/**
 * What the engine left out is not there. So are the fields of the connection, which are not for handlers: of `Trailer` without chunks
 * http-proxy throws where nobody can catch it, and `Upgrade: h2c` it would pass on (FACTS).
 */
function rewriteFields(req: IncomingMessage, fields: readonly string[], authority: string): void {
  const kept = new Set<string>()
  for (let i = 0; i < fields.length; i += 2) kept.add(fields[i]!.toLowerCase())
  const headers: IncomingMessage['headers'] = {}
  for (const [name, value] of Object.entries(req.headers))
    if (kept.has(name) || OF_CONNECTION.has(name)) headers[name] = value
  for (const name of REWRITTEN) {
    const value = fieldValue(fields, name)
    if (value === undefined) delete headers[name]
    else headers[name] = value
  }
  // One spelling for one host, as in the key.
  if (authority !== '') headers.host = authority
  if (!/^(?:close|keep-alive)$/i.test(headers.connection ?? 'close')) delete headers.connection
  // A new object: the client's own fields still decide what it is answered with.
  req.rawHeaders = withoutRepeated(rawFieldsOf(req, headers))
  req.headers = headers
}

/** In their order and case as far as they came from the client. */
function rawFieldsOf({ rawHeaders }: IncomingMessage, headers: IncomingMessage['headers']): string[] {
  const raw: string[] = []
  const placed = new Set<string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    const isOurs = name === 'host' || name === 'connection' || REWRITTEN.has(name)
    if (headers[name] === undefined || (isOurs && placed.has(name))) continue
    raw.push(rawHeaders[i]!, isOurs ? String(headers[name]) : rawHeaders[i + 1]!)
    placed.add(name)
  }
  for (const name of REWRITTEN)
    if (headers[name] !== undefined && !placed.has(name)) raw.push(name, String(headers[name]))
  return raw
}

/** http-proxy forwards an absolute target wrongly. Below a mount point express puts the whole together again, and counts on it. */
function rewriteForm(req: ExpressRequest): void {
  if ((req.baseUrl ?? '') !== '') return
  const origin = /^https?:\/\/[^/?#]*/i
  if (req.url !== undefined && origin.test(req.url)) req.url = inOriginForm(req.url.replace(origin, ''))
  if (req.originalUrl !== undefined && origin.test(req.originalUrl))
    req.originalUrl = inOriginForm(req.originalUrl.replace(origin, ''))
}

function inOriginForm(rest: string): string {
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** cookie-parser may have run before us. */
function rewriteCookies(req: ExpressRequest, cookie: string | undefined): void {
  const kept = new Set((cookie ?? '').split(';').map(pair => pair.split('=', 1)[0]!.trim()))
  for (const parsed of [req.cookies, req.signedCookies]) {
    if (parsed === null || typeof parsed !== 'object') continue
    for (const name of Object.keys(parsed)) if (!kept.has(name)) delete (parsed as Parsed)[name]
  }
}

/** The rule dropped or sorted parameters: the same for the router's view of the URL, which may be mounted below. */
function rewriteQuery(req: ExpressRequest, query: string | undefined): void {
  const url = req.url ?? ''
  if (queryOf(req.originalUrl ?? url) === query) return
  req.url = withQuery(url, query)
  if (req.originalUrl !== undefined) req.originalUrl = withQuery(req.originalUrl, query)
  // Express 4 has parsed the query before us; Express 5 parses it when it is asked for.
  if (!Object.hasOwn(req, 'query')) return
  const parse = req.app?.get?.('query parser fn')
  req.query =
    typeof parse === 'function'
      ? (parse as (query: string) => unknown)(query ?? '')
      : onlyKept(req.query as Parsed, query ?? '')
}

function onlyKept(parsed: Parsed, query: string): Parsed {
  const names = [...new URLSearchParams(query).keys()]
  const kept = Object.entries(parsed).filter(([name]) =>
    names.some(n => n === name || n.startsWith(`${name}[`)),
  )
  return Object.fromEntries(kept)
}

function queryOf(url: string): string | undefined {
  const mark = url.indexOf('?')
  return mark === -1 ? undefined : url.slice(mark + 1)
}

function withQuery(url: string, query: string | undefined): string {
  const path = url.split('?', 1)[0]!
  return query === undefined ? path : `${path}?${query}`
}
