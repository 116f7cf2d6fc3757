import type { ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { pinoHttp } from 'pino-http'
import type { Outcome } from '../engine/exchange.js'
import { COUNTER } from '../engine/result-counters.js'
import type { Stats } from '../engine/stats.js'
import { OUTCOME, type Recorder } from './middleware.js'
import { requestId } from './request-id.js'

/** The step `record`: counts each outcome when its answer is out and, with a logger, writes one line for it (P11). */
export function accessLogger(stats: Stats, log: Logger | undefined): Recorder {
  const write = log === undefined ? undefined : requestLogger(log)
  return {
    begin: res => write?.(res.req, res),
    end(outcome, res, decided) {
      if (decided) record(outcome, stats)
      else res.on('close', () => record(outcome, stats))
    },
  }
}

function record(outcome: Outcome, stats: Stats): void {
  const { result, detail, bytes } = outcome
  stats.bytesServed += bytes
  if (result !== undefined) stats[COUNTER[result]]++
  if (detail.startsWith('STRATA_')) stats.errors++
  if (outcome.tile !== undefined) stats.tiles.count(outcome)
}

function requestLogger(logger: Logger) {
  return pinoHttp({
    logger,
    quietReqLogger: true,
    genReqId: requestId,
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
    // What pino-http would put in for an error is its own text and stack: our reason stands in `cache.detail`.
    customErrorObject: (_req, res, error, value: object) => ({
      ...value,
      err: error === res.err ? error : undefined,
      cache: traceOf((res as ServerResponse & { [OUTCOME]?: Outcome })[OUTCOME]),
    }),
    customLogLevel: (_req, res, error) => (error !== undefined || res.statusCode >= 500 ? 'warn' : 'info'),
    customErrorMessage: (_req, res) => `request failed with ${res.statusCode}`,
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
