import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { ClientRequest } from '../engine/exchange.js'
import { isStrataError, StrataError } from '../errors.js'
import { addressOf, NodeRequest } from './client-request.js'
import { isLooping, schemeOf, VOUCHED, withProxyFields, type TrustedPeers } from './forwarded.js'
import { limitedBody, tooLarge } from './limited-body.js'

export interface ProxySettings {
  readonly trustProxy: readonly string[]
  readonly viaName: string
  readonly hostHeader: 'origin' | 'preserve'
}

/** Limits of a request, beside those of its header. */
export interface RequestLimits {
  readonly maxBodyBytes: number
  readonly maxUrlBytes: number
}

/**
 * The request as it goes on from here. An origin that does not get the client's Host learns of it by X-Forwarded-Host alone; there,
 * and so in the key (P4), it stands without the port, as most proxies send it: what one node has stored is good on all others of
 * the site, and after a restart, whatever port they listen on. That port is told apart, and no client has a say in it.
 * @throws StrataError STRATA_BAD_REQUEST, STRATA_METHOD_NOT_ALLOWED, STRATA_LOOP
 */
export function proxiedRequest(
  req: IncomingMessage,
  trusted: TrustedPeers,
  { viaName, hostHeader }: ProxySettings,
  limits: RequestLimits,
): ClientRequest {
  const { method, headers } = req
  const target = req.url ?? '/'
  // PURGE means this cache; it is taken before it comes here when it is switched on (admin.methods.purge).
  if (method === 'TRACE' || method === 'CONNECT' || method === 'PURGE') throw notAllowed(method)
  // It asks the next server itself, and there is nothing to say; RFC 9110 §9.3.7 has no use for it but a ping.
  if (target === '*') throw new StrataError('STRATA_BAD_REQUEST', 'OPTIONS * is not passed on: name a path')
  // RFC 9110 §10.1.1
  const { expect } = headers
  if (expect !== undefined && !/^100-continue$/i.test(expect))
    throw new StrataError('STRATA_BAD_REQUEST', 'the only expectation that can be met is 100-continue', {
      status: 417,
    })
  if (target.length > limits.maxUrlBytes)
    throw new StrataError('STRATA_BAD_REQUEST', 'the URL is longer than server.maxUrlBytes', { status: 414 })
  const length = headers['content-length']
  if (length !== undefined && Number(length) > limits.maxBodyBytes) throw tooLarge()
  if (isLooping(req, viaName))
    throw new StrataError(
      'STRATA_LOOP',
      'the request goes round in a circle: the origin leads back to this proxy',
    )
  // RFC 9112 §3.2
  if (headers.host === undefined && req.httpVersion !== '1.0')
    throw new StrataError('STRATA_BAD_REQUEST', 'the request has no Host field')
  const isTrusted = trusted.includes(req)
  const scheme = schemeOf(req, isTrusted)
  const { authority, path, query } = addressOf(req, { scheme, target })
  const { site, port } = hostHeader === 'preserve' ? { site: authority, port: undefined } : siteOf(authority)
  return new ProxiedRequest(req, scheme, site, path, query, port, isTrusted, viaName, limits.maxBodyBytes)
}

/** What was made of the last authority: a server sees few of them. */
let last: { readonly authority: string; readonly site: string; readonly port: string | undefined } = {
  authority: '',
  site: '',
  port: undefined,
}

/** Without the port, and that by itself. The authority is a valid one: a colon after the last `]` can only be the port's. */
function siteOf(authority: string): typeof last {
  if (authority === last.authority) return last
  const colon = authority.lastIndexOf(':')
  last =
    colon > authority.lastIndexOf(']')
      ? { authority, site: authority.slice(0, colon), port: authority.slice(colon + 1) }
      : { authority, site: authority, port: undefined }
  return last
}

class ProxiedRequest extends NodeRequest {
  #body: Readable | undefined

  constructor(
    req: IncomingMessage,
    scheme: 'http' | 'https',
    authority: string,
    path: string,
    query: string | undefined,
    port: string | undefined,
    readonly isTrusted: boolean,
    readonly viaName: string,
    private readonly maxBodyBytes: number,
  ) {
    super(req, scheme, authority, path, query, port)
  }

  override get vouched(): ReadonlySet<string> {
    return VOUCHED
  }

  override get body(): Readable | undefined {
    // With Content-Length it has been measured already.
    if (this.req.headers['transfer-encoding'] === undefined) return super.body
    return (this.#body ??= limitedBody(this.req, this.maxBodyBytes))
  }

  protected override makeFields(): string[] {
    return withProxyFields(super.makeFields(), this.req, this)
  }
}

/** Asked of the last server that the request may come to: that is this one (RFC 9110 §7.6.2). */
export function isForUs(req: IncomingMessage): boolean {
  if (req.method !== 'OPTIONS') return false
  const left = req.headers['max-forwards']
  return typeof left === 'string' && /^0+$/.test(left)
}

export const ALLOW = ['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']

/** What the answer to a refused request says beside the reason (RFC 9110 §15.5.6). */
export function refusalFields(error: unknown): readonly string[] {
  return isStrataError(error, 'STRATA_METHOD_NOT_ALLOWED') ? ALLOW : []
}

function notAllowed(method: string): StrataError {
  return new StrataError('STRATA_METHOD_NOT_ALLOWED', `${method} is not passed on by this proxy`)
}
