import type { Logger } from 'pino'
import type { Outcome } from '../engine/exchange.js'
import { COUNTER } from '../engine/result-counters.js'
import type { Stats } from '../engine/stats.js'
import type { Recorder } from './middleware.js'
import { requestLogger } from './request-logger.js'

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
