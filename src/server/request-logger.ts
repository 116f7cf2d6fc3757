import { IncomingMessage, type ServerResponse } from 'node:http'
import type { Bindings, Logger } from 'pino'
import { pinoHttp } from 'pino-http'
import type { Outcome } from '../engine/exchange.js'
import { OUTCOME } from './middleware.js'
import { requestId } from './request-id.js'

const CLIENT = Symbol('client')

/** What a line says of its request, as it was when it came: routers change the URL, and a connection that has ended has no address. */
interface Client {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly remoteAddress: string | undefined
}
type LoggedRequest = IncomingMessage & { originalUrl?: string; [CLIENT]?: Client }
type LoggedResponse = ServerResponse & { [OUTCOME]?: Outcome }

/** One line for each request, by pino-http, which also gives requests and responses a `log` with the request's ID. */
export function requestLogger(log: Logger): (req: IncomingMessage, res: ServerResponse) => void {
  const write = pinoHttp({
    logger: withoutRequestChildren(log),
    quietReqLogger: true,
    quietResLogger: true,
    genReqId: (req: IncomingMessage) => requestId(req),
    wrapSerializers: false,
    customSuccessObject: (req, res, { responseTime }: Timed) => lineOf(req, res, responseTime),
    // What pino-http would put in for an error is its own text and stack: our reason stands in `cache.detail`.
    customErrorObject: (req, res, error, { responseTime }: Timed) => ({
      ...lineOf(req, res, responseTime),
      err: error === res.err ? error : undefined,
    }),
    customLogLevel: (_req, res, error) => (error !== undefined || res.statusCode >= 500 ? 'warn' : 'info'),
    customErrorMessage: (_req, res) => `request failed with ${res.statusCode}`,
  })
  return (req: LoggedRequest, res) => {
    req[CLIENT] = {
      method: req.method,
      url: req.originalUrl ?? req.url,
      remoteAddress: req.socket.remoteAddress,
    }
    write(req, res)
  }
}

interface Timed {
  readonly responseTime: number
}

function lineOf(req: IncomingMessage & { id: unknown }, res: ServerResponse, responseTime: number) {
  const client = (req as LoggedRequest)[CLIENT]
  return {
    req: { id: req.id, method: client?.method, url: client?.url, remoteAddress: client?.remoteAddress },
    res: { statusCode: res.statusCode },
    responseTime,
    cache: traceOf((res as LoggedResponse)[OUTCOME]),
  }
}

type MakeChild = (this: Logger, bindings: Bindings, options?: object) => Logger

/**
 * pino-http makes two loggers for each request, the second with the request as text, which the line has anyway: that one costs more
 * than the line. Each logger of a request is the first one; all else is as pino has it.
 */
function withoutRequestChildren(log: Logger): Logger {
  // A child of a child: making one from a logger as it was configured is dearer.
  const parent = log.child({})
  const child = Object.getPrototypeOf(parent).child as MakeChild
  const value: MakeChild = function (bindings, options) {
    return bindings.req instanceof IncomingMessage ? this : child.call(this, bindings, options)
  }
  Object.defineProperty(parent, 'child', { value })
  return Object.create(parent, { child: { value: () => parent } }) as Logger
}

function traceOf(outcome: Outcome | undefined) {
  if (outcome === undefined) return undefined
  const { result, detail, key, tier, originStatus, collapsed, lookupMs, originMs } = outcome
  return {
    result,
    detail,
    key: key === '' ? undefined : key,
    tier,
    originStatus,
    collapsed: collapsed || undefined,
    lookupMs,
    originMs,
  }
}
