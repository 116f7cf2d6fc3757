import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { StrataError } from '../errors.js'
import type { ClientRequest } from '../engine/exchange.js'
import { withoutRepeated } from '../http/fields.js'
import { endToEnd, namedByConnection } from '../http/hop-by-hop.js'

export interface RequestView {
  readonly scheme: 'http' | 'https'
  /** Target as it came in the request line. */
  readonly target: string
  /** See `ClientRequest.vouched`; asked for when it comes to that. */
  readonly vouched?: () => ReadonlySet<string>
}

/** No empty labels: without its trailing dot `a..` would be another name, and `.` none at all. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_~-]+(?:\.[a-z0-9_~-]+)*\.?)(?::\d{1,5})?$/

/**
 * The step `receive`: what came over the wire as the engine takes it. Nothing is decoded or folded but the authority, which is made
 * one spelling for one host (case, default port, trailing dot).
 * @throws StrataError STRATA_BAD_REQUEST for what two readers could take for two different requests.
 */
export function clientRequest(req: IncomingMessage, view: RequestView): ClientRequest {
  const { authority, path, query } = addressOf(req, view)
  return new NodeRequest(req, view.scheme, authority, path, query, undefined, view.vouched)
}

/** Where the request is meant to go: see {@link clientRequest}. */
export function addressOf(
  req: IncomingMessage,
  { scheme, target }: Pick<RequestView, 'scheme' | 'target'>,
): { authority: string; path: string; query: string | undefined } {
  const { authority: named, path, query } = splitTarget(target)
  if (countHosts(req.rawHeaders) > 1) throw bad('the request has more than one Host field: send one')
  const { host } = req.headers
  const authority = normalAuthority(named ?? host ?? '', scheme)
  if (named !== undefined && host !== undefined && normalAuthority(host, scheme) !== authority) {
    throw bad('the target of the request names another host than its Host field')
  }
  return { authority, path, query }
}

/** What is made of a node request: what only the way to the origin needs is not made for a hit. */
export class NodeRequest implements ClientRequest {
  readonly method: string
  readonly headers: ClientRequest['headers']
  #rawFields: readonly string[] | undefined

  constructor(
    protected readonly req: IncomingMessage,
    readonly scheme: 'http' | 'https',
    readonly authority: string,
    readonly path: string,
    readonly query: string | undefined,
    readonly port?: string,
    private readonly vouch?: () => ReadonlySet<string>,
  ) {
    this.method = req.method ?? 'GET'
    this.headers = withoutNamed(req.headers)
  }

  get rawFields(): readonly string[] {
    return (this.#rawFields ??= this.makeFields())
  }

  get vouched(): ReadonlySet<string> | undefined {
    return this.vouch?.()
  }

  get body(): Readable | undefined {
    return hasBody(this.req) ? this.req : undefined
  }

  protected makeFields(): string[] {
    return withoutRepeated(withoutHost(endToEnd(this.req.rawHeaders)))
  }
}

/** RFC 9112 §6.3: a request has content when it says how much of it, or that it is chunked. */
export function hasBody(req: IncomingMessage): boolean {
  const length = req.headers['content-length']
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && !/^0+$/.test(length))
}

const PLAIN_CONNECTION = /^(?:close|keep-alive)$/i

/** What Connection names does not go on, so neither key nor Vary may see it: the answer was made without it. */
function withoutNamed(headers: IncomingMessage['headers']): ClientRequest['headers'] {
  const { connection } = headers
  if (connection === undefined || PLAIN_CONNECTION.test(connection)) return headers
  const named = new Set(namedByConnection(connection))
  if (![...named].some(name => name in headers)) return headers
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !named.has(name)))
}

function splitTarget(target: string): {
  authority: string | undefined
  path: string
  query: string | undefined
} {
  let rest = target
  let authority: string | undefined
  const absolute = target.startsWith('/') ? null : /^https?:\/\/([^/?#]*)/i.exec(target)
  if (absolute !== null) {
    authority = absolute[1]!
    rest = target.slice(absolute[0].length)
    if (!rest.startsWith('/')) rest = `/${rest}`
  }
  if (rest === '*') return { authority, path: '*', query: undefined }
  if (!rest.startsWith('/')) throw bad('the target of the request must begin with /')
  if (rest.includes('#')) throw bad('the target of the request has a #: encode it as %23')
  if (rest.includes('\\')) throw bad('the target of the request has a \\: encode it as %5C')
  const mark = rest.indexOf('?')
  return mark === -1
    ? { authority, path: rest, query: undefined }
    : { authority, path: rest.slice(0, mark), query: rest.slice(mark + 1) }
}

/** The authority that was made of the last Host: a server sees few of them. */
let last = { host: '', scheme: '', authority: '' }

function normalAuthority(host: string, scheme: 'http' | 'https'): string {
  if (host === last.host && scheme === last.scheme) return last.authority
  const authority = makeAuthority(host, scheme)
  last = { host, scheme, authority }
  return authority
}

function makeAuthority(host: string, scheme: 'http' | 'https'): string {
  if (host === '') return ''
  const lower = host.toLowerCase()
  if (!HOST.test(lower)) throw bad('the Host of the request is not a host name with an optional port')
  const withoutPort = lower.endsWith(scheme === 'http' ? ':80' : ':443')
    ? lower.slice(0, lower.lastIndexOf(':'))
    : lower
  return withoutPort.replace(/\.(?=:\d+$|$)/, '')
}

function countHosts(raw: readonly string[]): number {
  let count = 0
  for (let i = 0; i < raw.length; i += 2)
    if (raw[i]!.length === 4 && raw[i]!.toLowerCase() === 'host') count++
  return count
}

function withoutHost(fields: string[]): string[] {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]!.length === 4 && fields[i]!.toLowerCase() === 'host') {
      fields.splice(i, 2)
      return fields
    }
  }
  return fields
}

function bad(message: string): StrataError {
  return new StrataError('STRATA_BAD_REQUEST', message)
}
