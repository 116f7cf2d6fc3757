import type { AnswerFields } from '../engine/answer-fields.js'
import type { Outcome, Responder } from '../engine/exchange.js'
import { isStrataError, StrataError } from '../errors.js'

/**
 * The answer to a request that never sets out on the journey: X-Cache and Cache-Status say so, and its outcome is there for
 * counters and log as that of any other.
 * @throws what is no StrataError, once it is answered as an internal error
 */
export function refuse(responder: Responder, outcome: Outcome, error: unknown, answers: AnswerFields): void {
  const known = isStrataError(error)
    ? error
    : new StrataError('STRATA_INTERNAL', 'internal error; the log has it', { cause: error })
  outcome.result = 'BYPASS'
  outcome.detail = known.code
  const trace = answers.trace('BYPASS', { detail: known.code }, '')
  outcome.cacheStatus = trace[3]!
  // RFC 9110 §15.5.6
  if (known.code === 'STRATA_METHOD_NOT_ALLOWED') trace.push('Allow', ALLOWED)
  responder.fail(known, trace)
  if (known !== error) throw error
}

const ALLOWED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
