import type { ClientRequest as OutgoingRequest, IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createProxyMiddleware, proxyEventsPlugin } from 'http-proxy-middleware'
import type { Logger } from 'pino'
import type { AnswerFields } from '../engine/answer-fields.js'
import type { ClientRequest } from '../engine/exchange.js'
import { compileGlob } from '../engine/glob/glob.js'
import { isStrataError, messageOf, StrataError } from '../errors.js'
import { HOP_BY_HOP } from '../http/hop-by-hop.js'
import { TrustedPeers } from './forwarded.js'
import { rawAnswer } from './problem.js'
import { proxiedRequest, type ProxySettings, type RequestLimits } from './proxied-request.js'

export interface UpgradeSettings extends ProxySettings, RequestLimits {
  /** Path globs where upgrades may pass. */
  readonly upgrades: readonly string[]
  /** Longest wait for the origin's answer, ms. */
  readonly headersTimeoutMs: number
}

export type OnUpgrade = (req: IncomingMessage, socket: Duplex, head: Buffer) => void

/** All other protocols are not for us: such an offer is ignored. */
export function isWebSocket(req: IncomingMessage): boolean {
  return req.method === 'GET' && /^websocket$/i.test((req.headers.upgrade ?? '').trim())
}

/**
 * WebSockets: no cache's business, carried by http-proxy-middleware behind our own header hygiene, and only where they are
 * allowed; elsewhere they are refused.
 */
export function upgradeHandler(
  origin: string,
  settings: UpgradeSettings,
  answers: AnswerFields,
  log: Logger,
): OnUpgrade {
  const allowed = settings.upgrades.map(compileGlob)
  const trusted = new TrustedPeers(settings.trustProxy)
  const trace = (detail: string) => answers.trace('BYPASS', { fwd: 'bypass', detail }, '')
  const answerWith = (socket: Duplex, error: StrataError) => {
    if (socket.writable) socket.end(rawAnswer(error, trace(error.code)))
  }
  const proxy = createProxyMiddleware<IncomingMessage>({
    target: origin,
    ws: true,
    changeOrigin: settings.hostHeader === 'origin',
    // Its lines say less than ours.
    logger: { info() {}, warn() {}, error() {} },
    // Of its plugins the one alone that listeners below need: others append a text to whatever is under way.
    ejectPlugins: true,
    plugins: [proxyEventsPlugin],
    on: {
      error: (error, _req, socket) => {
        log.warn({ what: 'upgrade-failed', error: error.message }, 'upgrade-failed')
        if (!(socket instanceof Socket)) return
        // Once it is a WebSocket, an HTTP answer is nothing but garbage to its reader.
        if (established.has(socket)) return void socket.destroy()
        const timedOut = isStrataError(error, 'STRATA_ORIGIN_TIMEOUT')
        answerWith(
          socket,
          timedOut
            ? error
            : new StrataError('STRATA_ORIGIN_UNREACHABLE', `the origin can't be reached: ${error.message}`),
        )
      },
      proxyReqWs: (outgoing, _req, socket) => watch(outgoing, socket),
    },
  })
  const established = new WeakSet<Duplex>()

  function watch(outgoing: OutgoingRequest, client: Duplex): void {
    const late = setTimeout(
      () => outgoing.destroy(new StrataError('STRATA_ORIGIN_TIMEOUT', 'the origin took too long to answer')),
      settings.headersTimeoutMs,
    )
    const gone = () => outgoing.destroy()
    client.once('close', gone)
    outgoing.once('close', () => clearTimeout(late))
    outgoing.prependListener('upgrade', (response: IncomingMessage, upstream: Duplex) => {
      clearTimeout(late)
      client.off('close', gone)
      established.add(client)
      response.headers.via = via(response)
      // A pipe passes on an end, but neither a reset nor a client that is cut off.
      client.once('close', () => upstream.destroy())
      upstream.once('close', () => client.end())
    })
    outgoing.prependListener('response', (response: IncomingMessage) => {
      clearTimeout(late)
      const { headers } = response
      // What node has taken apart goes on as it is now: its end is the connection's.
      for (const name of HOP_BY_HOP) delete headers[name]
      headers.connection = 'close'
      headers.via = via(response)
      const [, result, , status] = trace('not-upgraded')
      headers['x-cache'] = result
      headers['cache-status'] = status
    })
  }

  function via({ headers, httpVersion }: IncomingMessage): string {
    const own = `${httpVersion} ${settings.viaName}`
    return headers.via === undefined ? own : `${headers.via}, ${own}`
  }

  return (req, socket, head) => {
    socket.on('error', error => log.debug({ what: 'upgrade', error: error.message }, 'client of an upgrade'))
    try {
      if (req.headers['transfer-encoding'] !== undefined || req.headers['content-length'] !== undefined)
        throw new StrataError('STRATA_BAD_REQUEST', 'a request for a WebSocket has no content')
      const request = proxiedRequest(req, trusted, settings, settings)
      if (!allowed.some(matches => matches(request.path)))
        throw new StrataError(
          'STRATA_FORBIDDEN',
          'WebSockets are not passed on here (setting proxy.upgrades)',
        )
      rewrite(req, request)
      proxy.upgrade(req, socket as Socket, head)
    } catch (error) {
      const known = isStrataError(error)
        ? error
        : new StrataError('STRATA_INTERNAL', 'internal error; the log has it', { cause: error })
      if (known !== error) log.warn({ what: 'internal-error', error: messageOf(error) }, 'internal-error')
      answerWith(socket, known)
    }
  }
}

/** http-proxy takes target and fields from node's message: it gets ours. */
function rewrite(req: IncomingMessage, { path, query, rawFields, authority }: ClientRequest): void {
  req.url = query === undefined ? path : `${path}?${query}`
  const headers: Record<string, string | string[]> = {
    host: authority,
    connection: 'Upgrade',
    upgrade: 'websocket',
  }
  for (let i = 0; i < rawFields.length; i += 2) {
    const name = rawFields[i]!.toLowerCase()
    const value = rawFields[i + 1]!
    const before = headers[name]
    headers[name] = before === undefined ? value : [before, value].flat()
  }
  req.headers = headers
}
