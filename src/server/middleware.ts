import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { newOutcome, type Exchange, type Outcome } from '../engine/exchange.js'
import type { Journey } from '../engine/journey.js'
import { StrataError } from '../errors.js'
import { clientRequest } from './client-request.js'
import { ADDRESSES, type TrustedPeers } from './forwarded.js'
import { HandlerOrigin } from './handler-origin.js'
import { NodeResponder } from './node-responder.js'
import { framingFault, isRefused, refuseConnection } from './request-framing.js'

export type Next = (error?: unknown) => void
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: Next) => void
export type Listener = (req: IncomingMessage, res: ServerResponse) => void

/** The step `record`, for each request that the cache takes. */
export interface Recorder {
  /** Before anything else is done. */
  begin(res: ServerResponse): void
  /** Once it is on its way. `decided`: the outcome will not change any more; else it is looked at when the response closes. */
  end(outcome: Outcome, res: ServerResponse, decided: boolean): void
}

/** Where a response's outcome can be found by whoever holds the response (access logs, tests). */
export const OUTCOME: unique symbol = Symbol.for('strata.outcome')

export interface MiddlewareOptions {
  /** Marks responses that have come in here already. */
  readonly entered: symbol
  readonly isFirst: boolean
  readonly trusted: TrustedPeers
}

/** `app.use(strata.middleware())`: for `(req, res, next)` of Express 4 and 5, connect, and plain node:http. */
export function middleware(
  journey: Journey,
  recorder: Recorder,
  { entered, isFirst, trusted }: MiddlewareOptions,
): Middleware {
  // Mounted twice for one request (on a router and in front of the app), it works the first time: the second would wait for itself.
  type Entered = ServerResponse & Record<symbol, boolean | undefined>
  return (req, res, next) => {
    if ((res as Entered)[entered] === true) return next()
    if (isRefused(req)) return
    const responder = new NodeResponder(res, isFirst)
    const outcome: Outcome = newOutcome()
    ;(res as ServerResponse & { [OUTCOME]?: Outcome })[OUTCOME] = outcome
    let request
    try {
      const target = (req as IncomingMessage & { originalUrl?: string }).originalUrl ?? req.url ?? '/'
      const fault = framingFault(req) ?? methodFault(req)
      if (fault !== undefined) throw fault
      request = clientRequest(req, {
        scheme: schemeOf(req),
        target,
        vouched: () => vouchedFor(req, res, trusted),
      })
    } catch (error) {
      refuseConnection(req, res)
      recorder.begin(res)
      journey.turnAway({ responder, outcome }, error)
      return recorder.end(outcome, res, true)
    }
    const origin = new HandlerOrigin(req, res, responder, () => {
      ;(res as Entered)[entered] = true
      next()
    })
    const x: Exchange = { request, responder, origin, outcome }
    recorder.begin(res)
    recorder.end(outcome, res, journey.run(x))
  }
}

/** `http.createServer(strata.handler(app))`: a hit never enters the app. */
export function handler(run: Middleware, app: Listener): Listener {
  return (req, res) => run(req, res, () => app(req, res))
}

/** Who set CORS fields before us has looked at Origin in place of the handlers. */
function vouchedFor(req: IncomingMessage, res: ServerResponse, trusted: TrustedPeers): ReadonlySet<string> {
  const names = new Set(trusted.includes(req) ? ADDRESSES : [])
  if (res.hasHeader('access-control-allow-origin')) names.add('origin')
  return names
}

/** It would send a client's own credentials back to whatever script asked for it (RFC 9110 §9.3.8); no application wants it. */
function methodFault({ method }: IncomingMessage): StrataError | undefined {
  return method === 'TRACE'
    ? new StrataError('STRATA_METHOD_NOT_ALLOWED', 'TRACE is not taken here')
    : undefined
}

function schemeOf(req: IncomingMessage): 'http' | 'https' {
  return (req.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
}
