import type { ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { pinoHttp } from 'pino-http'
import type { Exchange, Outcome } from '../engine/exchange.js'
import type { Stats } from '../engine/stats.js'
import { OUTCOME, type OnExchange } from './middleware.js'

const COUNTER = {
  HIT: 'hits',
  MISS: 'misses',
  STALE: 'stale',
  REVALIDATED: 'revalidated',
  BYPASS: 'bypass',
} as const

/** The step `record`: counts each outcome when its answer is out and, with a logger, writes one line for it (P11). */
export function accessLogger(stats: Stats, log: Logger | undefined): OnExchange {
  const write = log === undefined ? undefined : requestLogger(log)
  return (x, res) => {
    write?.(res.req, res)
    res.on('close', () => record(x, stats))
  }
}

function record({ outcome }: Exchange, stats: Stats): void {
  if (outcome.result !== undefined) stats[COUNTER[outcome.result]]++
}

function requestLogger(logger: Logger) {
  return pinoHttp({
    logger,
    quietReqLogger: true,
    serializers: {
      req: (req: { id: unknown; method: string; url: string; remoteAddress: string }) => ({
        id: req.id,
        method: req.method,
        url: req.url,
        remoteAddress: req.remoteAddress,
      }),
      res: (res: { statusCode: number }) => ({ statusCode: res.statusCode }),
    },
    customSuccessObject: (_req, res, value: object) => ({
      ...value,
      cache: traceOf((res as ServerResponse & { [OUTCOME]?: Outcome })[OUTCOME]),
    }),
    customErrorObject: (_req, res, _error, value: object) => ({
      ...value,
      cache: traceOf((res as ServerResponse & { [OUTCOME]?: Outcome })[OUTCOME]),
    }),
  })
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
