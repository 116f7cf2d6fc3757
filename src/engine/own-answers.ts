import { isStrataError, StrataError } from '../errors.js'
import type { AnswerFields } from './answer-fields.js'
import type { CacheResult, Exchange, Outcome } from './exchange.js'
import type { Events } from './parts.js'
import type { RuleLayer } from './ports/index.js'

/** All that is needed of a request to answer it without looking anything up. */
export type Answerable = Pick<Exchange, 'responder' | 'outcome'>

type Status = Parameters<AnswerFields['trace']>[1]

/** Answers of which no origin and no store knows: refusals, faults, and what this server says of itself. Told and counted as any other. */
export class OwnAnswers {
  constructor(
    private readonly answers: AnswerFields,
    private readonly events: Events,
  ) {}

  /** The answer to a request that is no good to set out with. Never throws. */
  turnAway(x: Answerable, error: unknown, fields: readonly string[] = []): void {
    if (!isStrataError(error)) return this.broken(x, error)
    const trace = this.#trace(x.outcome, 'BYPASS', { detail: error.code })
    x.responder.fail(error, [...fields, ...trace])
  }

  /** The answer to a request that asks this server itself. Never throws. */
  answerSelf(x: Answerable, status: number, fields: readonly string[]): void {
    const trace = this.#trace(x.outcome, 'BYPASS', { detail: 'self' })
    x.responder.head(status, '', [...fields, ...trace])
    x.responder.end()
  }

  /** A tile that lies outside of its layer, where the rule says not to ask the origin. */
  outsideLayer(x: Answerable, { settings }: RuleLayer): void {
    const trace = this.#trace(x.outcome, 'MISS', { fwd: 'request', detail: 'outside-layer' })
    const { cors, negativeTtl = 0 } = settings
    x.responder.head(404, 'Not Found', [
      ...['Content-Length', '0', 'Cache-Control', `public, max-age=${Math.floor(negativeTtl)}`],
      ...(cors === undefined ? [] : ['Access-Control-Allow-Origin', cors]),
      ...trace,
    ])
    x.responder.end()
  }

  /** It went on its way, and there is no answer to it. */
  refuse(x: Answerable, error: StrataError): void {
    const { key } = x.outcome
    x.responder.fail(error, this.#trace(x.outcome, 'MISS', { fwd: 'request', detail: error.code }, key))
  }

  /** A fault of ours: answered as such, and told. */
  broken(x: Answerable, error: unknown): void {
    this.events.warn('internal-error', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
    const { result = 'MISS', key } = x.outcome
    const trace = this.#trace(x.outcome, result, { detail: 'STRATA_INTERNAL' }, key)
    const fault = new StrataError('STRATA_INTERNAL', 'internal error; the log has it', { cause: error })
    x.responder.fail(fault, trace)
  }

  #trace(outcome: Outcome, result: CacheResult, status: Status & { detail: string }, key = ''): string[] {
    outcome.result = result
    outcome.detail = status.detail
    const trace = this.answers.trace(result, status, key)
    outcome.cacheStatus = trace[3]!
    return trace
  }
}
