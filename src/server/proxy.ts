import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isStrataError, StrataError } from '../errors.js'
import { newOutcome, type Exchange, type Outcome } from '../engine/exchange.js'
import type { Journey } from '../engine/journey.js'
import type { Origin } from '../engine/origin.js'
import { clientRequest } from './client-request.js'
import { isLooping, schemeOf, TrustedPeers, withProxyFields } from './forwarded.js'
import type { Listener, OnExchange } from './middleware.js'
import { OUTCOME } from './middleware.js'
import { NodeResponder } from './node-responder.js'
import { problemOf } from './problem.js'

export interface ProxySettings {
  readonly trustProxy: readonly string[]
  readonly viaName: string
}

export interface ServerSettings {
  readonly requestTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly drainTimeoutMs: number
}

/** The standalone proxy's request listener: what is not the cache's own goes through the journey to the upstream. */
export function proxyListener(
  journey: Journey,
  upstream: Origin,
  settings: ProxySettings,
  onExchange: OnExchange,
): Listener {
  const trusted = new TrustedPeers(settings.trustProxy)
  const { viaName } = settings
  return (req, res) => {
    const responder = new NodeResponder(res)
    try {
      if (req.method === 'TRACE' || req.method === 'CONNECT') throw notAllowed(req.method)
      if (isLooping(req, viaName))
        throw new StrataError(
          'STRATA_LOOP',
          'the request goes round in a circle: the origin leads back to this proxy',
        )
      const isTrusted = trusted.includes(req)
      const scheme = schemeOf(req, isTrusted)
      const plain = clientRequest(req, { scheme, target: req.url ?? '/' })
      const about = { isTrusted, scheme, authority: plain.authority, viaName }
      const x = new ProxyExchange(
        { ...plain, rawFields: withProxyFields(plain.rawFields, req, about) },
        responder,
        upstream,
      )
      ;(res as ServerResponse & { [OUTCOME]?: Outcome })[OUTCOME] = x.outcome
      onExchange(x, res)
      journey.run(x)
    } catch (error) {
      responder.fail(
        isStrataError(error) ? error : new StrataError('STRATA_INTERNAL', 'internal error', { cause: error }),
        [],
      )
      if (!isStrataError(error)) throw error
    }
  }
}

class ProxyExchange implements Exchange {
  readonly outcome = newOutcome()
  readonly startedAt = performance.now()
  constructor(
    readonly request: Exchange['request'],
    readonly responder: NodeResponder,
    readonly origin: Origin,
  ) {}
}

function notAllowed(method: string): StrataError {
  return new StrataError('STRATA_METHOD_NOT_ALLOWED', `${method} is not passed on by this proxy`)
}

export interface RunningServer {
  readonly address: { readonly host: string; readonly port: number }
  /** Stops listening, lets running requests end, and cuts what is left after `drainTimeoutMs`. */
  close(): Promise<void>
}

/** @throws the listen error (EADDRINUSE, EACCES, …) */
export async function listen(
  listener: Listener,
  where: { readonly host: string; readonly port: number },
  settings: ServerSettings,
  onUpgrade?: (req: IncomingMessage, socket: import('node:stream').Duplex, head: Buffer) => void,
): Promise<RunningServer> {
  const server = http.createServer(
    {
      requestTimeout: settings.requestTimeoutMs,
      headersTimeout: settings.headersTimeoutMs,
      keepAliveTimeout: settings.keepAliveTimeoutMs,
      maxHeaderSize: settings.maxHeaderBytes,
    },
    listener,
  )
  // More than its default of about 1,000 would be dropped without a word (FACTS): a limit in bytes holds instead.
  server.maxHeadersCount = 0
  server.on('clientError', onClientError)
  if (onUpgrade !== undefined) server.on('upgrade', onUpgrade)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where.port, where.host, () => resolve())
  })
  const { address, port } = server.address() as AddressInfo
  return { address: { host: address, port }, close: () => drain(server, settings.drainTimeoutMs) }
}

function onClientError(error: NodeJS.ErrnoException, socket: import('node:stream').Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const problem = problemOf(
    new StrataError(
      'STRATA_BAD_REQUEST',
      tooLarge ? 'the header of the request is too large' : 'this is no valid HTTP request',
      {
        status: tooLarge ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400,
      },
    ),
  )
  let head = `HTTP/1.1 ${problem.status} ${http.STATUS_CODES[problem.status]}\r\nConnection: close\r\n`
  for (let i = 0; i < problem.fields.length; i += 2)
    head += `${problem.fields[i]!}: ${problem.fields[i + 1]!}\r\n`
  socket.end(`${head}\r\n${problem.body.toString()}`)
}

async function drain(server: http.Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeIdleConnections()
  // A connection that becomes idle while we drain is closed at the next look.
  const look = setInterval(() => server.closeIdleConnections(), 50)
  const cut = setTimeout(() => server.closeAllConnections(), timeoutMs)
  await closed
  clearInterval(look)
  clearTimeout(cut)
}
