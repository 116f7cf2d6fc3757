import { setImmediate as nextTurn } from 'node:timers/promises'

export type SweepStep = 'marks' | 'useless' | 'eviction' | 'orphans'

/** What a pass has done so far. */
export interface SweepProgress {
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly step: SweepStep
  /** ms since the epoch */
  readonly startedAt: number
  readonly endedAt?: number
  /** Entries looked at, and removed. */
  readonly examined: number
  readonly removed: number
  /** Bodies deleted. */
  readonly bodies: number
  /** Body bytes of removed entries as far as they are known (shared bodies count for each). */
  readonly bytes: number
  /** Why it failed. */
  readonly error?: string
}

/** Thrown by `Pass.breathe` once the pass is to stop. */
export class PassCancelled extends Error {}

/** One sweep from start to end: its counters, and the place where it can be stopped. */
export class Pass implements SweepProgress {
  state: SweepProgress['state'] = 'running'
  step: SweepStep = 'marks'
  endedAt?: number
  examined = 0
  removed = 0
  bodies = 0
  bytes = 0
  error?: string
  #cancelled = false

  constructor(readonly startedAt: number) {}

  cancel(): void {
    this.#cancelled = true
  }

  /** Between batches: lets requests go first. @throws PassCancelled */
  async breathe(): Promise<void> {
    await nextTurn()
    if (this.#cancelled) throw new PassCancelled('the sweep was cancelled')
  }
}
