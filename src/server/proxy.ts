import http, { type ServerResponse } from 'node:http'
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { isBan, parseBan, type ParseError } from './ban-packet.js'
import { StrataError } from '../errors.js'
import type { AnswerFields } from '../engine/answer-fields.js'
import { newOutcome, type Outcome } from '../engine/exchange.js'
import type { Journey } from '../engine/journey.js'
import type { Origin } from '../engine/origin.js'
import { TrustedPeers } from './forwarded.js'
import type { Listener, Recorder } from './middleware.js'
import { OUTCOME } from './middleware.js'
import { NodeResponder } from './node-responder.js'
import { ignoreUpgrade } from './ignored-upgrade.js'
import {
  ALLOW,
  isForUs,
  proxiedRequest,
  refusalFields,
  type ProxySettings,
  type RequestLimits,
} from './proxied-request.js'
import { rawAnswer, rawJson } from './problem.js'
import { refusalHeaders } from './access/refused.js'
import type { PurgeMethods } from './purge-methods.js'
import { framingFault, isRefused, refuseConnection, tooManyFields } from './request-framing.js'
import { cutSlowReaders } from './slow-readers.js'
import { isWebSocket, type OnUpgrade } from './upgrade.js'

export interface ServerSettings {
  readonly requestTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly maxBodyBytes: number
  readonly maxUrlBytes: number
  readonly maxFields: number
  /** Longest time in which a client may take nothing of its answer, ms. */
  readonly sendTimeoutMs: number
  readonly drainTimeoutMs: number
}

/** The standalone proxy's request listener: what is not the cache's own goes through the journey to the upstream. */
export function proxyListener(
  journey: Journey,
  upstream: Origin,
  settings: ProxySettings,
  limits: RequestLimits,
  recorder: Recorder,
): Listener {
  const trusted = new TrustedPeers(settings.trustProxy)
  return (req, res) => {
    const responder = new NodeResponder(res, true)
    const outcome = newOutcome()
    ;(res as ServerResponse & { [OUTCOME]?: Outcome })[OUTCOME] = outcome
    recorder.begin(res)
    let request
    try {
      if (isForUs(req)) {
        journey.answerSelf({ responder, outcome }, 204, ALLOW)
        return recorder.end(outcome, res, true)
      }
      request = proxiedRequest(req, trusted, settings, limits)
    } catch (error) {
      refuseConnection(req, res)
      journey.turnAway({ responder, outcome }, error, refusalFields(error))
      return recorder.end(outcome, res, true)
    }
    recorder.end(outcome, res, journey.run({ request, responder, origin: upstream, outcome }))
  }
}

export interface RunningServer {
  readonly address: { readonly host: string; readonly port: number }
  /**
   * Stops listening, lets running requests end, and cuts what is left after `drainTimeoutMs`. `gently`: idle connections are left to
   * their own timeout, for a request may be on its way; each ends with its next answer.
   */
  close(gently?: boolean): Promise<void>
}

/** @throws the listen error (EADDRINUSE, EACCES, …) */
export async function listen(
  listener: Listener,
  where: { readonly host: string; readonly port: number },
  settings: ServerSettings,
  answers: AnswerFields,
  onUpgrade: OnUpgrade,
  purges: PurgeMethods,
): Promise<RunningServer> {
  const strict: Listener = (req, res) => {
    if (isRefused(req)) return
    const fault = framingFault(req) ?? tooManyFields(req, settings.maxFields)
    if (fault === undefined) return listener(req, res)
    refuseConnection(req, res)
    new NodeResponder(res).fail(fault, answers.trace('BYPASS', { detail: fault.code }, ''))
  }
  const server = http.createServer(
    {
      connectionsCheckingInterval: Math.min(30_000, Math.max(100, settings.headersTimeoutMs / 2)),
      requestTimeout: settings.requestTimeoutMs,
      headersTimeout: settings.headersTimeoutMs,
      keepAliveTimeout: settings.keepAliveTimeoutMs,
      maxHeaderSize: settings.maxHeaderBytes,
      // A request without Host is answered by the listener, as every other that is no good.
      requireHostHeader: false,
    },
    strict,
  )
  cutSlowReaders(server, settings.sendTimeoutMs)
  // More than its default of about 1,000 would be dropped without a word (FACTS): a limit in bytes holds instead.
  server.maxHeadersCount = 0
  // Without this, node would answer 417 itself, and say nothing of why.
  server.on('checkExpectation', strict)
  server.on('clientError', (error, socket) =>
    onClientError(error as Error & ParseError, socket as Socket, answers, purges),
  )
  const upgraded = new Set<Duplex>()
  server.on('upgrade', (req, socket, head) => {
    if (isRefused(req)) return void socket.destroy()
    if (!isWebSocket(req)) return ignoreUpgrade(server, req, socket, head)
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    onUpgrade(req, socket, head)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where.port, where.host, () => resolve())
  })
  const { address, port } = server.address() as AddressInfo
  return {
    address: { host: address, port },
    close: gently => drain(server, upgraded, settings, gently === true),
  }
}

function onClientError(error: ParseError, socket: Socket, answers: AnswerFields, purges: PurgeMethods): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  if (isBan(error)) return answerBan(error, socket, answers, purges)
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const wrong = new StrataError(
    'STRATA_BAD_REQUEST',
    tooLarge ? 'the header of the request is too large' : 'this is no valid HTTP request',
    { status: tooLarge ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400 },
  )
  socket.end(rawAnswer(wrong, answers.trace('BYPASS', { detail: wrong.code }, '')))
}

function answerBan(error: ParseError, socket: Socket, answers: AnswerFields, purges: PurgeMethods): void {
  const ban = parseBan(error, socket)
  const run = !purges.takes('BAN')
    ? Promise.reject(new StrataError('STRATA_METHOD_NOT_ALLOWED', 'BAN is switched off (admin.methods.ban)'))
    : ban === undefined
      ? Promise.reject(new StrataError('STRATA_BAD_REQUEST', 'this is no BAN that can be read'))
      : purges.run(ban)
  run.then(
    ({ status, body }) => socket.end(rawJson(status, body)),
    (refusal: StrataError) => {
      const fields = Object.entries(refusalHeaders(refusal)).flat()
      socket.end(rawAnswer(refusal, [...fields, ...answers.trace('BYPASS', { detail: refusal.code }, '')]))
    },
  )
}

async function drain(
  server: http.Server,
  upgraded: ReadonlySet<Duplex>,
  { drainTimeoutMs, keepAliveTimeoutMs }: ServerSettings,
  gently: boolean,
): Promise<void> {
  // http's own `close` ends idle connections at once; net's leaves them.
  const stopListening = gently ? NetServer.prototype.close : http.Server.prototype.close
  const closed = new Promise<void>(resolve => stopListening.call(server, () => resolve()))
  if (gently) server.prependListener('request', (_req, res) => void (res.shouldKeepAlive = false))
  const endsIdle = performance.now() + (gently ? keepAliveTimeoutMs : 0)
  // A connection that becomes idle while we drain is closed at the next look.
  const look = setInterval(() => {
    if (performance.now() >= endsIdle) server.closeIdleConnections()
  }, 50)
  const cut = setTimeout(() => {
    server.closeAllConnections()
    // The server does not know these any more, and a WebSocket need never end.
    for (const socket of upgraded) socket.destroy()
  }, drainTimeoutMs)
  await closed
  clearInterval(look)
  clearTimeout(cut)
}
