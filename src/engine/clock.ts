/** Times for the engine, so that tests can set them. */
export interface Clock {
  /** Wall clock, ms since the epoch: what HTTP dates and stored times are made of. */
  now(): number
  /** Monotonic clock, ms: for durations, leases and time limits. */
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}
