import { BlockList, isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'
import { withoutFields, type RawFields } from '../http/fields.js'
import { HOP_BY_HOP } from '../http/hop-by-hop.js'

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
  'x-original-host',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-forwarded-method',
  'x-forwarded-path',
  'x-forwarded-ssl',
  'x-forwarded-uri',
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
const NOT_PASSED = new Set([...CLAIMS, 'expect', 'max-forwards'])

/** CGI and its heirs (WSGI, Rack, PHP) read `X_Forwarded_Host` as `X-Forwarded-Host`: so it is one here, too. */
const READ_AS_OTHER = new Set([...NOT_PASSED, ...HOP_BY_HOP, 'host', 'content-length'])

/** Fields that {@link withProxyFields} puts on: no client has a say in them. */
export const VOUCHED: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'via',
])

/** Fields that say who the client is; behind the middleware a trusted peer's are believed. */
export const ADDRESSES: ReadonlySet<string> = new Set(['x-forwarded-for', 'forwarded', 'x-real-ip'])

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
  const out = withoutAliases(withoutFields(fields, isGet(req) ? NOT_PASSED_BY_GET : NOT_PASSED))
  out.push('X-Forwarded-For', earlier === undefined ? address : `${String(earlier)}, ${address}`)
  out.push('X-Forwarded-Proto', about.scheme, 'X-Forwarded-Host', about.authority)
  const port = portOf(req, about)
  if (port !== undefined) out.push('X-Forwarded-Port', port)
  const own = `${req.httpVersion} ${about.viaName}`
  out.push('Via', isGet(req) ? [...ownHops(req, about.viaName), own].join(', ') : own)
  if (req.method === 'OPTIONS') pushMaxForwards(out, req)
  return out
}

function isGet({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** What comes of it may be for all, and a client can write into Via what it likes: our own hops stay, for they show loops. */
const NOT_PASSED_BY_GET = new Set([...NOT_PASSED, 'via'])

function ownHops({ headers }: IncomingMessage, viaName: string): string[] {
  const hops = headers.via === undefined ? [] : headers.via.split(',').map(hop => hop.trim().split(/\s+/))
  return hops.filter(hop => hop[1] === viaName).map(() => `1.1 ${viaName}`)
}

function withoutAliases(fields: string[]): string[] {
  for (let i = 0; i < fields.length; i += 2) {
    if (!fields[i]!.includes('_')) continue
    if (READ_AS_OTHER.has(fields[i]!.toLowerCase().replaceAll('_', '-'))) {
      fields.splice(i, 2)
      i -= 2
    }
  }
  return fields
}

/** RFC 9110 §7.6.2: one less. At 0 the request is answered here, and where it stands beside another method it means nothing. */
function pushMaxForwards(out: string[], { headers }: IncomingMessage): void {
  const left = headers['max-forwards']
  if (typeof left === 'string' && /^\d{1,9}$/.test(left)) out.push('Max-Forwards', String(Number(left) - 1))
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
