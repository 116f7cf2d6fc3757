import { messageOf } from '../../errors.js'
import type { Clock } from '../clock.js'
import type { BodyNotes, FenceState, MetadataStore } from '../ports/index.js'
import type { Timers } from '../timers.js'

export interface HorizonParts {
  readonly notes: BodyNotes
  readonly clock: Pick<Clock, 'now'>
  readonly timers: Timers
  readonly onError: (error: string) => void
}

/** Clocks of nodes may differ by so much, ms: what was fetched after the horizon was fetched after the purge. */
export const CLOCK_SKEW_MS = 60_000
/** With one write all invalidations of so long are covered, ms. */
const AHEAD_MS = 60_000
/** An invalidation waits no longer for the write, ms. */
const WAIT_MS = 500
const HOPELESS_MS = 5000
const RETRY_MS = 1000

/**
 * Notes durably, apart from the store that may lose it, up to when there may have been invalidations. An entry that was fetched later
 * than that has not been invalidated before the loss: so it may be made again from its body (see Rebuild). The note is made *before*
 * an invalidation is logged, and a minute ahead: one small write for all invalidations of a minute.
 */
export class Horizon {
  #at = 0
  #raising: Promise<void> | undefined
  #hopelessUntil = 0
  /** The last invalidation that went ahead without being noted. */
  #uncovered: FenceState | undefined

  constructor(private readonly parts: HorizonParts) {}

  /** The store (an object with all its methods as its own, such as a guarded one), with each invalidation noted before it is logged. */
  over<S extends MetadataStore>(store: S): S {
    return {
      ...store,
      invalidate: async (marks: readonly string[]) => {
        const covered = await this.#cover()
        const state = await store.invalidate(marks)
        if (!covered) this.#uncovered = state
        return state
      },
    }
  }

  /** Whether the invalidation with this fence was noted; in doubt it was not. */
  covers({ epoch, seq }: FenceState): boolean {
    return this.#uncovered?.epoch !== epoch || this.#uncovered.seq < seq
  }

  async #cover(): Promise<boolean> {
    const { clock, timers } = this.parts
    const needed = clock.now() + CLOCK_SKEW_MS
    if (this.#at >= needed) return true
    const raised = this.#raise(needed)
    // P5: a store that hangs holds up one request in a while, not each.
    if (clock.now() < this.#hopelessUntil) return false
    let cancel: (() => void) | undefined
    const late = new Promise<void>(resolve => {
      cancel = timers.after(WAIT_MS, resolve)
    })
    await Promise.race([raised, late])
    cancel?.()
    const covered = this.#at >= needed
    if (!covered) this.#hopelessUntil = clock.now() + HOPELESS_MS
    return covered
  }

  /** Never rejects. Who comes while one is under way shares it, if that goes far enough. */
  async #raise(needed: number): Promise<void> {
    await this.#raising
    if (this.#at >= needed) return
    this.#raising ??= this.#write(needed + AHEAD_MS).finally(() => {
      this.#raising = undefined
    })
    return this.#raising
  }

  async #write(to: number): Promise<void> {
    try {
      await this.parts.notes.raiseHorizon(to)
      this.#at = Math.max(this.#at, to)
      this.#hopelessUntil = 0
    } catch (error) {
      this.parts.onError(messageOf(error))
      // Later is better than never: until then who asked was told that it is pending.
      this.parts.timers.after(RETRY_MS, () => void this.#raise(to - AHEAD_MS))
    }
  }
}
