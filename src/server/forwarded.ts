import { BlockList, isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'
import { withoutFields, type RawFields } from '../http/fields.js'

/** Fields by which a proxy tells the origin about the client. From anyone but a trusted peer they are dropped (P4). */
const CLAIMS = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-scheme',
  'x-forwarded-prefix',
  'x-forwarded-server',
  'x-real-ip',
  'x-host',
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
  'x-method-override',
  'x-http-method',
  'forwarded',
])

/**
 * … and Expect, which this server has met already: it says 100 itself (RFC 9110 §10.1.1 lets it, for it takes any content), and
 * the origin gets the content unasked.
 */
const NOT_PASSED = new Set([...CLAIMS, 'expect'])

/** Which peers' claims are believed: addresses, ranges in CIDR notation, or `loopback`. */
export class TrustedPeers {
  readonly #list = new BlockList()
  readonly #none: boolean

  constructor(peers: readonly string[]) {
    this.#none = peers.length === 0
    for (const peer of peers) {
      if (peer === 'loopback') {
        this.#list.addSubnet('127.0.0.0', 8, 'ipv4')
        this.#list.addAddress('::1', 'ipv6')
        continue
      }
      const [address, prefix] = peer.split('/') as [string, string | undefined]
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
      this.#list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
    }
  }

  includes(req: { readonly socket: { readonly remoteAddress?: string | undefined } }): boolean {
    if (this.#none) return false
    const address = (req.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    const family = isIP(address)
    return family !== 0 && this.#list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/** The scheme that the client used, as far as a trusted peer says so. */
export function schemeOf(req: IncomingMessage, isTrusted: boolean): 'http' | 'https' {
  const claimed = isTrusted ? req.headers['x-forwarded-proto'] : undefined
  return claimed === 'https' ? 'https' : 'http'
}

/** The request's fields with what this proxy says of the client and of itself. */
export function withProxyFields(
  fields: RawFields,
  req: IncomingMessage,
  about: {
    readonly isTrusted: boolean
    readonly scheme: string
    readonly authority: string
    readonly viaName: string
  },
): string[] {
  const address = (req.socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '')
  const earlier = about.isTrusted ? req.headers['x-forwarded-for'] : undefined
  const out = withoutFields(fields, NOT_PASSED)
  out.push('X-Forwarded-For', earlier === undefined ? address : `${String(earlier)}, ${address}`)
  out.push('X-Forwarded-Proto', about.scheme, 'X-Forwarded-Host', about.authority)
  const port = portOf(req, about)
  if (port !== undefined) out.push('X-Forwarded-Port', port)
  out.push('Via', `${req.httpVersion} ${about.viaName}`)
  return out
}

/** The port that clients use, as far as that is known: what a trusted peer says, or our own. */
function portOf(req: IncomingMessage, about: { isTrusted: boolean; scheme: string }): string | undefined {
  const claimed = about.isTrusted ? req.headers['x-forwarded-port'] : undefined
  if (typeof claimed === 'string' && /^\d{1,5}$/.test(claimed)) return claimed
  // TLS ended at somebody else's port.
  return about.scheme === 'https' ? undefined : req.socket.localPort?.toString()
}

const MOST_PASSES = 8

/** This proxy's name stands so often in Via that the request must be going round in a circle (RFC 9110 §7.6.3). */
export function isLooping(req: IncomingMessage, viaName: string): boolean {
  const via = req.headers.via
  if (via === undefined) return false
  return via.split(',').filter(hop => hop.trim().split(/\s+/)[1] === viaName).length >= MOST_PASSES
}
