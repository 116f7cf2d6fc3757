import type { IncomingMessage } from 'node:http'
import type { OriginRequest } from '../engine/origin.js'
import { fieldValue } from '../http/fields.js'

/** Fields that the engine may have taken off or put on. */
const REWRITTEN = ['range', 'if-range', 'if-none-match', 'if-modified-since', 'cookie', 'origin'] as const

type Parsed = Record<string, unknown>
type ExpressRequest = IncomingMessage & {
  originalUrl?: string
  query?: unknown
  cookies?: unknown
  signedCookies?: unknown
  app?: { get?: (name: string) => unknown }
}

/** Makes the request that the handlers see the one that the key holds, and no more (P4). */
export function rewriteRequest(req: IncomingMessage, { fields, target }: OriginRequest): void {
  rewriteFields(req, fields)
  rewriteCookies(req, fieldValue(fields, 'cookie'))
  rewriteQuery(req, queryOf(target))
}

function rewriteFields(req: IncomingMessage, fields: readonly string[]): void {
  // A client that announces trailers without chunks makes http-proxy throw where nobody can catch it (FACTS).
  if (req.headers['transfer-encoding'] === undefined) setField(req, 'trailer', undefined)
  for (const name of REWRITTEN) setField(req, name, fieldValue(fields, name))
}

function setField(req: IncomingMessage, name: string, value: string | undefined): void {
  if (value === req.headers[name]) return
  // A new object: the client's own fields still decide what it is answered with.
  const { [name]: _before, ...others } = req.headers
  req.headers = value === undefined ? others : { ...others, [name]: value }
  const raw: string[] = []
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2)
    if (req.rawHeaders[i]!.toLowerCase() !== name) raw.push(req.rawHeaders[i]!, req.rawHeaders[i + 1]!)
  if (value !== undefined) raw.push(name, value)
  req.rawHeaders = raw
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
