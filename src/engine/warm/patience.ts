import { isStrataError } from '../../errors.js'
import type { Clock } from '../clock.js'

const PAUSE_MS = 500

/** Waits for a store that is silent for a while: else all that is left of a job would have failed meanwhile. */
export class Patience {
  /** Since when there has been no answer; undefined when the last question had one. */
  #silentSince: number | undefined

  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly sleep: (ms: number) => Promise<void>,
  ) {}

  /** For how long the store has been silent, ms. */
  get silentMs(): number {
    return this.#silentSince === undefined ? 0 : this.clock.monotonic() - this.#silentSince
  }

  /** @throws what has nothing to do with the store's silence, and anything once `isOver` */
  async answer<T>(question: () => Promise<T>, isOver: () => boolean): Promise<T> {
    for (;;) {
      try {
        const found = await question()
        this.#silentSince = undefined
        return found
      } catch (error) {
        const isSilence =
          isStrataError(error, 'STRATA_STORE_UNAVAILABLE') || isStrataError(error, 'STRATA_STORE_TIMEOUT')
        if (!isSilence || isOver()) throw error
        this.#silentSince ??= this.clock.monotonic()
        await this.sleep(PAUSE_MS)
      }
    }
  }
}
