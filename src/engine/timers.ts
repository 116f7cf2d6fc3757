/** Delays, so that tests can set them. */
export interface Timers {
  /** Runs once after `ms`; does not keep the process alive. Returns what cancels it. */
  after(ms: number, run: () => void): () => void
}

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
