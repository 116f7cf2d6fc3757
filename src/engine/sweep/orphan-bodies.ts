import type { BodyStore, MetadataStore } from '../ports/index.js'
import type { Timers } from '../timers.js'
import type { Pass } from './pass.js'

/** The ledger hands a body out again when its deletion is not reported for 60 s: the grace stays below that. */
const LONGEST_GRACE = 45_000
/** Ids at once: a step of the ledger, and of the deletions that wait. */
const BATCH = 200

export interface OrphanOptions {
  readonly timers: Timers
  /** How long a body stays for readers that opened it before its last entry went, ms; at most 45,000. */
  readonly graceMs: number
  readonly onError: (error: unknown) => void
}

/**
 * Removes bodies that nothing refers to. Once the ledger has handed them out, no commit can refer to them; they are deleted when the
 * readers that were still at them have had their time, and forgotten last: a crash in between leaves them to a later pass.
 */
export class OrphanBodies {
  readonly #waiting = new Set<() => void>()
  readonly #deletions = new Set<Promise<void>>()

  constructor(
    private readonly store: MetadataStore,
    private readonly bodies: BodyStore,
    private readonly options: OrphanOptions,
  ) {}

  async sweep(pass: Pass, now: number): Promise<void> {
    for (;;) {
      const ids = await this.store.orphans(now, BATCH)
      if (ids.length === 0) return
      if (this.options.graceMs === 0) await this.#remove(ids)
      else this.#later(ids)
      pass.bodies += ids.length
      if (ids.length < BATCH) return
      await pass.breathe()
    }
  }

  /** What waits is left to the next process: its deletion was never reported. */
  stop(): void {
    for (const cancel of this.#waiting) cancel()
    this.#waiting.clear()
  }

  /** Resolves once nothing waits to be deleted any more. */
  async drained(): Promise<void> {
    while (this.#deletions.size > 0) await Promise.all(this.#deletions)
  }

  #later(ids: readonly string[]): void {
    const { timers, graceMs, onError } = this.options
    const deletion = new Promise<void>(resolve => {
      const cancelTimer = timers.after(Math.min(graceMs, LONGEST_GRACE), () => {
        this.#waiting.delete(cancel)
        this.#remove(ids).catch(onError).finally(resolve)
      })
      const cancel = () => {
        cancelTimer()
        resolve()
      }
      this.#waiting.add(cancel)
    })
    this.#deletions.add(deletion)
    void deletion.then(() => this.#deletions.delete(deletion))
  }

  async #remove(ids: readonly string[]): Promise<void> {
    await this.bodies.remove(ids)
    await this.store.forget(ids)
  }
}
