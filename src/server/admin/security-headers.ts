import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import helmet from 'helmet'

const options = {
  // JSON: nothing in it is to be run, framed or loaded.
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
    },
  },
  xFrameOptions: { action: 'deny' },
} as const
/** For all ports of the host's name, by RFC 6797: only where it is certain that this one speaks TLS, and never for other names. */
const overTls = helmet({ ...options, strictTransportSecurity: { includeSubDomains: false } })
const plain = helmet({ ...options, strictTransportSecurity: false })

/** Helmet's fields, the request's ID, and no word to other sites' pages (CORS), whatever the application has set before. */
export function securityHeaders(req: IncomingMessage, res: ServerResponse, requestId: string): void {
  const isTls = (req.socket as Partial<TLSSocket>).encrypted === true
  ;(isTls ? overTls : plain)(req, res, error => {
    if (error !== undefined) throw error
  })
  for (const name of res.getHeaderNames()) if (name.startsWith('access-control-')) res.removeHeader(name)
  res.setHeader('Cache-Control', 'no-store')
  res.setHeader('X-Request-Id', requestId)
}
