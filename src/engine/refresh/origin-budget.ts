/** The least of the rate that is left when the origin fails or is slow. */
const SLOWEST = 64
/** An answer that takes so many times as long as usual says that the origin is at its limit. */
const SLOW = 3
/** Weight of the newest answer in what is usual. */
const NEWEST = 0.1
/** Failures in a row after which there is no point in going on. */
const HOPELESS = 10

/**
 * How fast an origin may be asked: at most `rate` a second, half of that for each failure, less when its answers take longer than
 * usual, and slowly up again. (Libraries for rate limits have fixed ones.)
 */
export class OriginBudget {
  #slowness = 1
  #usualMs: number | undefined
  #failures = 0

  /** @param rate requests a second */
  constructor(private readonly rate: number) {}

  /** By how much it is asked less than it may be; 1: not at all. */
  get slowness(): number {
    return this.#slowness
  }

  /** Pause between the beginnings of two requests, ms. */
  get gapMs(): number {
    return (1000 / this.rate) * this.#slowness
  }

  /** So many failures in a row that the rest is better left to clients. */
  get isHopeless(): boolean {
    return this.#failures >= HOPELESS
  }

  /** @param ms until the answer's head */
  answered(ms: number): void {
    this.#failures = 0
    const usual = (this.#usualMs ??= ms)
    const isSlow = ms > usual * SLOW && ms > 10
    this.#slowness = isSlow ? Math.min(this.#slowness * 1.5, SLOWEST) : Math.max(1, this.#slowness * 0.9)
    this.#usualMs = usual + NEWEST * (ms - usual)
  }

  failed(): void {
    this.#failures++
    this.#slowness = Math.min(this.#slowness * 2, SLOWEST)
  }

  /** Another purge: try again. */
  forgive(): void {
    this.#failures = 0
  }
}
