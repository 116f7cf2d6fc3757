import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel'
import type { CircuitBreakerPolicy } from 'cockatiel'
import type { TierSettings } from '../engine/settings.js'
import { isStrataError, messageOf, StrataError } from '../errors.js'

export type GuardSettings = Pick<TierSettings, 'timeoutMs' | 'breakerFailures' | 'breakerResetMs'>

export interface TierHealth {
  /** `failing`: the last call failed. `open`: calls are refused for a while, then one is tried. */
  readonly state: 'ok' | 'failing' | 'open'
  /** Why it is not ok. */
  readonly reason?: string
  /** Moving average of what asynchronous calls took, ms. */
  readonly latencyMs: number
  /** When this state began, ms since the epoch. */
  readonly since: number
}

/** Weight of the newest call in the moving average. */
const NEWEST = 0.1

/**
 * Bounds the calls to one tier, and stops calling it while it fails (P5). Answers that come without a promise pass without one.
 */
export class TierGuard {
  readonly #name: string
  readonly #onChange: (health: TierHealth) => void
  readonly #consecutive: ConsecutiveBreaker
  readonly #policy: CircuitBreakerPolicy
  #failure: string | undefined
  #latencyMs = 0
  #state: TierHealth['state'] = 'ok'
  #since = Date.now()

  constructor(name: string, settings: GuardSettings, onChange: (health: TierHealth) => void) {
    this.#name = name
    this.#onChange = onChange
    this.#consecutive = new ConsecutiveBreaker(settings.breakerFailures)
    const options = { breaker: this.#consecutive, halfOpenAfter: settings.breakerResetMs }
    this.#policy = circuitBreaker(handleWhen(isTierFailure), options)
    this.#policy.onStateChange(() => this.#changed())
  }

  health(): TierHealth {
    const reason = this.#state === 'ok' || this.#failure === undefined ? {} : { reason: this.#failure }
    return { state: this.#state, ...reason, latencyMs: this.#latencyMs, since: this.#since }
  }

  /**
   * Calls the tier. What it answers at once is given back at once; a promise settles within `boundMs` from now.
   * Rejects with STRATA_STORE_TIMEOUT at the bound, and at once with STRATA_STORE_UNAVAILABLE while the breaker is open.
   */
  run<T>(call: () => T | Promise<T>, boundMs: number): T | Promise<T> {
    if (this.#policy.state !== CircuitState.Closed) return this.#tryAgain(call, boundMs)
    const started = performance.now()
    let answer: T | Promise<T>
    try {
      answer = call()
    } catch (error) {
      return this.#watch(Promise.reject<T>(error), started, boundMs)
    }
    if (isPromise(answer)) return this.#watch(answer, started, boundMs)
    // Undefined is "taken, go on" of a sink: the backend has not been asked yet.
    if (answer !== undefined) this.#succeeded()
    return answer
  }

  /** As `run`, for calls that always answer with a promise. */
  async wait<T>(call: () => Promise<T>, boundMs: number): Promise<T> {
    return this.run(call, boundMs)
  }

  /** A failure that came after a call had been answered: within a stream. */
  failed(error: unknown): void {
    if (this.#policy.state !== CircuitState.Closed || !isTierFailure(error)) return
    void this.#watch(Promise.reject<never>(error), performance.now(), 0).catch(() => undefined) // told to the reader already
  }

  /** Open: one call is the test, all others are refused without waiting for it. */
  async #tryAgain<T>(call: () => T | Promise<T>, boundMs: number): Promise<T> {
    if (this.#policy.state === CircuitState.HalfOpen) throw this.#refusal()
    return this.#watchCall(call, performance.now(), boundMs)
  }

  #watch<T>(answer: Promise<T>, started: number, boundMs: number): Promise<T> {
    return this.#watchCall(() => answer, started, boundMs)
  }

  async #watchCall<T>(call: () => T | Promise<T>, started: number, boundMs: number): Promise<T> {
    try {
      return await this.#policy.execute(() => this.#bounded(call, started, boundMs))
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw this.#refusal()
      // The tier answered, if not with what was asked for: no failure, and the next one is the first in a row.
      if (!isTierFailure(error)) this.#consecutive.success()
      throw error
    } finally {
      this.#changed()
    }
  }

  async #bounded<T>(call: () => T | Promise<T>, started: number, boundMs: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new StrataError('STRATA_STORE_TIMEOUT', `${this.#name} did not answer within ${boundMs} ms`))
      }, boundMs)
    })
    try {
      const value = await Promise.race([call(), late])
      this.#failure = undefined
      return value
    } catch (error) {
      // Before the breaker hears of it: whoever is told that it opened is told why.
      this.#failure = isTierFailure(error) ? messageOf(error) : undefined
      throw error
    } finally {
      clearTimeout(timer)
      this.#latencyMs += NEWEST * (performance.now() - started - this.#latencyMs)
    }
  }

  #succeeded(): void {
    if (this.#failure === undefined) return
    this.#consecutive.success()
    this.#failure = undefined
    this.#changed()
  }

  #refusal(): StrataError {
    const text = `${this.#name} is left alone for a while, after: ${this.#failure ?? 'failures'}`
    return new StrataError('STRATA_STORE_UNAVAILABLE', text)
  }

  #changed(): void {
    const closed = this.#policy.state === CircuitState.Closed
    const state = !closed ? 'open' : this.#failure === undefined ? 'ok' : 'failing'
    if (state === this.#state) return
    this.#state = state
    this.#since = Date.now()
    this.#onChange(this.health())
  }
}

/** A missing or damaged body, or a refused size, says nothing against the tier. */
function isTierFailure(error: unknown): boolean {
  return (
    !isStrataError(error) ||
    error.code === 'STRATA_STORE_UNAVAILABLE' ||
    error.code === 'STRATA_STORE_TIMEOUT'
  )
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
