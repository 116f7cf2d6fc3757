import type { Clock } from '../clock.js'
import { OriginBudget } from '../refresh/origin-budget.js'

export interface PaceLimits {
  readonly concurrency: number
  /** Requests a second; 0: no limit. */
  readonly rate: number
  readonly bytesPerSecond: number
}

/** While the origin fails, ms between two requests for each time that the budget has halved. */
const FAILING_GAP_MS = 50

/**
 * How many may be asked of the origin now, and when the next: the operator's limits, and less while the origin fails or is slow. Without a
 * limit of the operator's there is no rate that could be lowered: it is the number of requests at once then.
 */
export class Pace {
  readonly #budget: OriginBudget
  #nextAt = -Infinity
  #failingSince: number | undefined

  constructor(
    private readonly limits: PaceLimits,
    private readonly clock: Pick<Clock, 'monotonic'>,
  ) {
    this.#budget = new OriginBudget(limits.rate === 0 ? Infinity : limits.rate)
  }

  /** Most requests at once. */
  get width(): number {
    return Math.max(1, Math.floor(this.limits.concurrency / this.#budget.slowness))
  }

  /** For how long nothing but failures has come, ms. */
  get failingMs(): number {
    return this.#failingSince === undefined ? 0 : this.clock.monotonic() - this.#failingSince
  }

  /** Takes the next place in the row; returns how long to wait for it, ms. */
  take(): number {
    const now = this.clock.monotonic()
    const at = Math.max(now, this.#nextAt)
    this.#nextAt = at + this.#gapMs()
    return at - now
  }

  answered(ms: number, bytes: number): void {
    this.#failingSince = undefined
    this.#budget.answered(ms)
    const { bytesPerSecond } = this.limits
    if (bytesPerSecond === 0) return
    this.#nextAt = Math.max(this.#nextAt, this.clock.monotonic()) + (bytes / bytesPerSecond) * 1000
  }

  failed(): void {
    const now = this.clock.monotonic()
    this.#failingSince ??= now
    this.#budget.failed()
    this.#nextAt = Math.max(this.#nextAt, now + this.#gapMs())
  }

  #gapMs(): number {
    const failing = this.#failingSince === undefined ? 0 : FAILING_GAP_MS * (this.#budget.slowness - 1)
    return Math.max(this.#budget.gapMs, failing)
  }
}
