import type { IncomingMessage } from 'node:http'
import type { ClientRequest } from '../engine/exchange.js'
import { StrataError } from '../errors.js'
import { clientRequest } from './client-request.js'
import { isLooping, schemeOf, withProxyFields, type TrustedPeers } from './forwarded.js'

export interface ProxySettings {
  readonly trustProxy: readonly string[]
  readonly viaName: string
}

/**
 * The request as it goes on from here.
 * @throws StrataError STRATA_BAD_REQUEST, STRATA_METHOD_NOT_ALLOWED, STRATA_LOOP
 */
export function proxiedRequest(req: IncomingMessage, trusted: TrustedPeers, viaName: string): ClientRequest {
  if (req.method === 'TRACE' || req.method === 'CONNECT') throw notAllowed(req.method)
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
  const plain = clientRequest(req, { scheme, target: req.url ?? '/' })
  const about = { isTrusted, scheme, authority: plain.authority, viaName }
  return { ...plain, rawFields: withProxyFields(plain.rawFields, req, about) }
}

function notAllowed(method: string): StrataError {
  return new StrataError('STRATA_METHOD_NOT_ALLOWED', `${method} is not passed on by this proxy`)
}
