import type { IncomingMessage, ServerResponse } from 'node:http'
import { StrataError } from '../errors.js'

const LENGTH = /^(?:0|[1-9]\d{0,15})$/

/**
 * What node:http takes and another reader of the same bytes may cut elsewhere: then what is content here is a request there (RFC 9112
 * §11.2). Undefined when there is no doubt where the request ends.
 */
export function framingFault(req: IncomingMessage): StrataError | undefined {
  const { headers } = req
  const coding = headers['transfer-encoding']
  const length = headers['content-length']
  if (coding === undefined) {
    if (length === undefined || LENGTH.test(length)) return undefined
    return bad('the Content-Length of the request is not written as a plain number')
  }
  // §6.1: from an HTTP/1.0 client it is faulty framing, and beside Content-Length an attempt at smuggling.
  if (req.httpVersionMinor === 0) return bad('an HTTP/1.0 request has no Transfer-Encoding')
  if (length !== undefined) return bad('the request has both Content-Length and Transfer-Encoding')
  if (coding.toLowerCase() !== 'chunked') return bad('the only Transfer-Encoding that is taken is chunked')
  return undefined
}

/** node counts the characters of names and values alone: ten thousand fields of one letter are few to it. */
export function tooManyFields({ rawHeaders }: IncomingMessage, most: number): StrataError | undefined {
  if (rawHeaders.length <= 2 * most) return undefined
  return new StrataError('STRATA_BAD_REQUEST', 'the request has more fields than server.maxFields', {
    status: 431,
  })
}

/** On a connection of which nothing more is read: on itself, for every request looks. */
const REFUSED = Symbol('strata.refused')
type Connection = { [REFUSED]?: boolean }

/**
 * Nothing more is read of this connection: where the refused request ends is uncertain, and node may have taken the bytes after it for
 * further requests already.
 */
export function refuseConnection({ socket }: IncomingMessage, res: ServerResponse): void {
  ;(socket as Connection)[REFUSED] = true
  res.shouldKeepAlive = false
}

/** This request came after one that was refused on its connection: it gets no answer, and nobody sees it. */
export function isRefused({ socket }: IncomingMessage): boolean {
  // Who tries an app out without a network may give none.
  return (socket as Connection | undefined)?.[REFUSED] === true
}

function bad(message: string): StrataError {
  return new StrataError('STRATA_BAD_REQUEST', message)
}
