/** How often something may be done. */
export interface RateLimit {
  /** Keeps the counts of different limits apart: `address`. */
  readonly name: string
  /** Times in a window. */
  readonly points: number
  /** Whole seconds from the first time on. */
  readonly windowSeconds: number
  /** Seconds for which a key that has gone beyond is turned away; without it until its window is over. */
  readonly blockSeconds?: number
}

/** Counts by key, together with all nodes where the backend is shared. */
export interface RateLimiter {
  /** One time more. Gives the milliseconds to wait when that is too often, else 0. */
  take(key: string): Promise<number>
  /** The milliseconds that the key has to wait, counting nothing. */
  left(key: string): Promise<number>
}

/** Makes the limiters of one backend. */
export type RateLimiters = (limit: RateLimit) => RateLimiter
