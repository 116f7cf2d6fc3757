import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { ClientRequest } from '../engine/exchange.js'
import { isStrataError, StrataError } from '../errors.js'
import { clientRequest, NodeRequest } from './client-request.js'
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
  // PURGE means this cache; it is taken before it comes here when it is switched on (admin.methods.purge).
  if (req.method === 'TRACE' || req.method === 'CONNECT' || req.method === 'PURGE')
    throw notAllowed(req.method)
  // It asks the next server itself, and there is nothing to say; RFC 9110 §9.3.7 has no use for it but a ping.
  if (req.url === '*') throw new StrataError('STRATA_BAD_REQUEST', 'OPTIONS * is not passed on: name a path')
  // RFC 9110 §10.1.1
  const { expect } = req.headers
  if (expect !== undefined && !/^100-continue$/i.test(expect))
    throw new StrataError('STRATA_BAD_REQUEST', 'the only expectation that can be met is 100-continue', {
      status: 417,
    })
  if (req.url!.length > limits.maxUrlBytes)
    throw new StrataError('STRATA_BAD_REQUEST', 'the URL is longer than server.maxUrlBytes', { status: 414 })
  if (Number(req.headers['content-length'] ?? 0) > limits.maxBodyBytes) throw tooLarge()
  if (isLooping(req, viaName))
    throw new StrataError(
      'STRATA_LOOP',
      'the request goes round in a circle: the origin leads back to this proxy',
    )
  // RFC 9112 §3.2
  if (req.headers.host === undefined && req.httpVersion !== '1.0')
    throw new StrataError('STRATA_BAD_REQUEST', 'the request has no Host field')
  const isTrusted = trusted.includes(req)
  const scheme = schemeOf(req, isTrusted)
  const { authority, path, query } = clientRequest(req, { scheme, target: req.url ?? '/' })
  const portAt = hostHeader === 'preserve' ? -1 : portOf(authority)
  const site = portAt === -1 ? authority : authority.slice(0, portAt)
  const port = portAt === -1 ? undefined : authority.slice(portAt + 1)
  return new ProxiedRequest(req, scheme, site, path, query, port, isTrusted, viaName, limits.maxBodyBytes)
}

/** Where the port begins, or -1. The authority is a valid one: a colon after the last `]` can only be the port's. */
function portOf(authority: string): number {
  const colon = authority.lastIndexOf(':')
  return colon > authority.lastIndexOf(']') ? colon : -1
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
export function isForUs({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    typeof headers['max-forwards'] === 'string' &&
    /^0+$/.test(headers['max-forwards'])
  )
}

export const ALLOW = ['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']

/** What the answer to a refused request says beside the reason (RFC 9110 §15.5.6). */
export function refusalFields(error: unknown): readonly string[] {
  return isStrataError(error, 'STRATA_METHOD_NOT_ALLOWED') ? ALLOW : []
}

function notAllowed(method: string): StrataError {
  return new StrataError('STRATA_METHOD_NOT_ALLOWED', `${method} is not passed on by this proxy`)
}
