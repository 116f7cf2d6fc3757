import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

const REQUEST_ID = /^[\w.:-]{1,128}$/

/** The client's X-Request-Id, if it is one that a log can take, so that a request can be followed through several servers. */
export function requestId(req: { readonly headers: IncomingHttpHeaders }): string {
  const given = req.headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}
