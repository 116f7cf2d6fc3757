import { isIP } from 'node:net'
import type { TrustedPeers } from '../forwarded.js'
import type { AskingRequest } from './local-request.js'

/**
 * Where a request comes from, as requests are counted: the peer, or behind a proxy that is believed what it says of its own peer: in
 * X-Forwarded-For from the right, for what stands left of the first that is not believed may be anybody's invention.
 */
export function clientAddress(req: AskingRequest, trusted: TrustedPeers): string {
  let address = plain(req.socket.remoteAddress ?? '')
  const forwarded = String(req.headers['x-forwarded-for'] ?? '').split(',')
  while (trusted.includes({ socket: { remoteAddress: address } })) {
    const next = plain((forwarded.pop() ?? '').trim())
    if (isIP(next) === 0) break
    address = next
  }
  return address === '' ? 'unknown' : address
}

/** One subscriber's addresses are counted as one: an IPv6 network of 64 bits is what a single one gets. */
export function countedAs(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after]
  return `${groups
    .slice(0, 4)
    .map(group => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}

function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
