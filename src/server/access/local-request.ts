import type { IncomingHttpHeaders } from 'node:http'

/** What is looked at of a request to find out who sends it. */
export interface AskingRequest {
  readonly headers: IncomingHttpHeaders
  readonly socket: { readonly remoteAddress?: string | undefined }
}

const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'] as const

/**
 * Whether somebody on this machine has sent it. A request that came through a proxy, or that a web page elsewhere made a browser on
 * this machine send (its Host, Origin or Sec-Fetch-Site tells), comes from somebody else.
 */
export function isLocal(req: AskingRequest): boolean {
  return (
    isLoopback(req.socket.remoteAddress) &&
    FORWARDED.every(name => req.headers[name] === undefined) &&
    isLocalName(req.headers.host ?? '') &&
    isOwnOrigin(req)
  )
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(address))
}

/** Against DNS rebinding: a foreign name that leads to this machine. */
function isLocalName(host: string): boolean {
  return /^(localhost|[a-z0-9.-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(host)
}

function isOwnOrigin({ headers }: AskingRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  return headers.origin === undefined || headers.origin.replace(/^https?:\/\//, '') === headers.host
}
