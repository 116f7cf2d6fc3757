import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { StrataError } from '../../errors.js'

export interface AuthOptions {
  /** Bearer token; without one only this machine is served. */
  readonly token?: string
  /** Serve requests from this machine when no token is set. */
  readonly trustLoopback: boolean
}

/** What the guard looks at. */
export interface GuardedRequest {
  readonly headers: IncomingMessage['headers']
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** Undefined when the request may go on; else what to answer. */
export type Guard = (
  req: GuardedRequest,
) => { error: StrataError; headers: Record<string, string> } | undefined

const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'] as const

export function makeGuard({ token, trustLoopback }: AuthOptions): Guard {
  return token === undefined || token === '' ? req => withoutToken(req, trustLoopback) : tokenGuard(token)
}

function tokenGuard(token: string): Guard {
  const expected = digest(token)
  return req => {
    const given = /^Bearer +(\S+) *$/i.exec(req.headers.authorization ?? '')?.[1]
    // Digests are of one length, so that the comparison takes as long for any token.
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return undefined
    const detail = given === undefined ? 'a bearer token is needed' : 'the bearer token is wrong'
    const challenge = given === undefined ? '' : ', error="invalid_token"'
    return {
      error: new StrataError('STRATA_UNAUTHORIZED', `${detail}: send "Authorization: Bearer <admin token>"`),
      headers: { 'WWW-Authenticate': `Bearer realm="strata"${challenge}` },
    }
  }
}

/**
 * Without a token, whoever is on this machine is the operator. A request that came through a proxy, or that a web page elsewhere
 * made a browser on this machine send (its Host, Origin or Sec-Fetch-Site tells), comes from somebody else.
 */
function withoutToken(req: GuardedRequest, trustLoopback: boolean): ReturnType<Guard> {
  const local =
    trustLoopback &&
    isLoopback(req.socket.remoteAddress) &&
    FORWARDED.every(name => req.headers[name] === undefined) &&
    isLocalName(req.headers.host ?? '') &&
    isOwnOrigin(req)
  if (local) return undefined
  const message = trustLoopback
    ? 'without an admin token only direct requests from this machine are served: set one (STRATA_ADMIN_TOKEN)'
    : 'the admin routes need an admin token: set one (STRATA_ADMIN_TOKEN)'
  return { error: new StrataError('STRATA_FORBIDDEN', message), headers: {} }
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(address))
}

/** Against DNS rebinding: a foreign name that leads to this machine. */
function isLocalName(host: string): boolean {
  return /^(localhost|[a-z0-9.-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(host)
}

function isOwnOrigin({ headers }: GuardedRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  return headers.origin === undefined || headers.origin.replace(/^https?:\/\//, '') === headers.host
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
