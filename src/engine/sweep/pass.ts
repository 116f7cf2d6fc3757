import { setImmediate as nextTurn } from 'node:timers/promises'
import { messageOf } from '../../errors.js'
import type { Clock } from '../clock.js'
import type { WarmTally } from '../warm/tally.js'
import type { Timers } from '../timers.js'

export type SweepStep = 'marks' | 'useless' | 'eviction' | 'orphans' | 'bodies' | 'entries'

/** What a pass has done so far. */
export interface SweepProgress {
  readonly state: 'running' | 'done' | 'incomplete' | 'failed' | 'cancelled'
  readonly step: SweepStep
  /** ms since the epoch */
  readonly startedAt: number
  readonly endedAt?: number
  /** Entries (of a reconciler: bodies as well) looked at, and entries removed. */
  readonly examined: number
  readonly removed: number
  /** Bodies deleted. */
  readonly bodies: number
  /** Body bytes of removed entries as far as they are known (shared bodies count for each). */
  readonly bytes: number
  /** Entries that a reconciler has made again. */
  readonly rebuilt?: number
  /** How many there are to look at in all, where that is known. */
  readonly total?: number
  /** Why it failed. */
  readonly error?: string
}

/** How far a walk through the store has come: another node can go on from there. */
export interface WalkPlace {
  readonly epoch: string
  /** All entries before the cursor have been held against all marks up to this seq, and against this floor. */
  readonly seq: number
  readonly floor: number
  readonly cursor: string
}

/** No entry in the store is killed by marks up to this seq, or by this floor. */
export interface Swept {
  readonly epoch: string
  readonly seq: number
  readonly floor: number
}

export interface Pacing {
  /** Part of the time that the pass may work, above 0 and up to 1. */
  readonly pace: number
  readonly clock: Clock
  readonly timers: Timers
}

/** Thrown by `Pass.breathe` once the pass is to stop. */
export class PassCancelled extends Error {}

const LONGEST_PAUSE_MS = 1000

/** One sweep (or another walk through the stores) from start to end: its counters, its pace, and the place where it can be stopped. */
export class Pass implements SweepProgress {
  state: SweepProgress['state'] = 'running'
  step: SweepStep = 'marks'
  endedAt?: number
  examined = 0
  removed = 0
  bodies = 0
  bytes = 0
  rebuilt?: number
  total?: number
  error?: string
  /** Where the walk is; given to a new pass, it goes on from there. */
  place?: WalkPlace
  /** How far a warmer is; given to a new pass, it goes on from there. */
  warm?: WarmTally
  /** What is known to be swept: by other nodes before, by this pass in the end. */
  swept?: Swept
  readonly #pacing: Pacing | undefined
  #cancelled = false
  #onCancel: (() => void) | undefined
  #wake: (() => void) | undefined
  #workingSince: number

  constructor(
    readonly startedAt: number,
    pacing?: Pacing,
  ) {
    this.#pacing = pacing
    this.#workingSince = pacing?.clock.monotonic() ?? 0
  }

  get cancelled(): boolean {
    return this.#cancelled
  }

  cancel(): void {
    this.#cancelled = true
    this.#wake?.()
    this.#onCancel?.()
  }

  /** Tells one listener, at once if it is cancelled already. */
  whenCancelled(listener: () => void): void {
    this.#onCancel = listener
    if (this.#cancelled) listener()
  }

  /**
   * Between batches: lets requests go first, and pauses in proportion to what the batch took.
   * @param hurries without the pause
   * @throws PassCancelled
   */
  async breathe(hurries = false): Promise<void> {
    await nextTurn()
    if (!this.#cancelled && !hurries) await this.#pause()
    if (this.#cancelled) throw new PassCancelled('it was cancelled')
  }

  /** Runs the steps to their end. Never rejects: `state` and `error` say how it went. */
  async run(steps: () => Promise<void>, clock: Pick<Clock, 'now'>): Promise<void> {
    try {
      await this.breathe()
      await steps()
      this.state = 'done'
    } catch (error) {
      this.state = error instanceof PassCancelled ? 'cancelled' : 'failed'
      if (this.state === 'failed') this.error = messageOf(error)
    }
    this.endedAt = clock.now()
  }

  /** What can be told of it. */
  progress(): SweepProgress {
    const { state, step, startedAt, endedAt, examined, removed, bodies, bytes, rebuilt, total, error } = this
    return {
      ...{ state, step, startedAt, examined, removed, bodies, bytes },
      ...(endedAt === undefined ? {} : { endedAt }),
      ...(rebuilt === undefined ? {} : { rebuilt }),
      ...(total === undefined ? {} : { total }),
      ...(error === undefined ? {} : { error }),
    }
  }

  async #pause(): Promise<void> {
    if (this.#pacing === undefined || this.#pacing.pace >= 1) return
    const { pace, clock, timers } = this.#pacing
    const worked = clock.monotonic() - this.#workingSince
    const pause = Math.min(worked * (1 / pace - 1), LONGEST_PAUSE_MS)
    // A timer of less than that would only cost a turn.
    if (pause >= 1) {
      let cancel: (() => void) | undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
        cancel = timers.after(pause, resolve)
      })
      cancel?.()
      this.#wake = undefined
    }
    this.#workingSince = clock.monotonic()
  }
}
