import { messageOf } from '../errors.js'
import type { Fence } from './fence/fence.js'
import { newMark, type Mark } from './fence/mark.js'
import type { Events } from './parts.js'
import type { Timers } from './timers.js'

/** Marks that may wait at once. Beyond that one mark about everything stands for them all. */
const LIMIT = 1000
const RETRY_MS = 1000

/**
 * Invalidations by unsafe requests that the store could not take at the time (RFC 9111 §4.4): the origin has acted on the request
 * already, so what it made stale must not come back with the store. They are tried again until the store has them.
 */
export class OwedInvalidations {
  #marks: Mark[] = []
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(
    private readonly fence: Pick<Fence, 'invalidate'>,
    private readonly timers: Timers,
    private readonly events: Events,
  ) {}

  get size(): number {
    return this.#marks.length
  }

  add(marks: readonly Mark[], at: number): void {
    if (this.#marks.length + marks.length > LIMIT) this.#marks = [newMark({ all: true }, { at })]
    else this.#marks.push(...marks)
    this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
    if (this.#marks.length > 0) this.events.warn('invalidations-lost', { marks: this.#marks.length })
  }

  #schedule(): void {
    if (this.#cancel !== undefined || this.#stopped) return
    this.#cancel = this.timers.after(RETRY_MS, () => {
      this.#cancel = undefined
      void this.#pay()
    })
  }

  async #pay(): Promise<void> {
    const marks = this.#marks
    this.#marks = []
    try {
      await this.fence.invalidate(marks)
    } catch (error) {
      this.events.warn('invalidate-failed', { marks: marks.length, error: messageOf(error) })
      // A mark that landed after all does no harm twice.
      this.#marks = [...marks, ...this.#marks]
      this.#schedule()
    }
  }
}
