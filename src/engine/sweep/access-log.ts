import type { MetadataStore } from '../ports/index.js'
import type { Timers } from '../timers.js'

interface Use {
  readonly key: string
  readonly variant: string
  hits: number
  /** ms since the epoch */
  at: number
}

export interface AccessLogOptions {
  readonly timers: Timers
  readonly onError: (error: unknown) => void
  /** Longest time that a use waits, ms. */
  readonly flushMs?: number
  /**
   * Names at which it is written at once: many, so that what is asked for again and again is written once in `flushMs`, and not at each
   * round through all names. And those beyond which new ones are dropped.
   */
  readonly flushAt?: number
  readonly limit?: number
}

const BATCH = 1000

/**
 * Access times and hits on their way to the store, in batches: a hit costs a map entry. What cannot be written is dropped and
 * counted: eviction is then a little less right, nothing else.
 */
export class AccessLog {
  /** Uses that never reached the store. */
  dropped = 0
  /** By key, and not by a name that would be made of it and the variant at each hit: few keys have many variants. */
  #uses = new Map<string, Use[]>()
  #size = 0
  #flushing: Promise<void> | undefined
  #cancel: (() => void) | undefined

  constructor(
    private readonly store: Pick<MetadataStore, 'touch'>,
    private readonly options: AccessLogOptions,
  ) {}

  /** Names waiting. */
  get size(): number {
    return this.#size
  }

  /** @param now ms since the epoch */
  note(key: string, variant: string, now: number): void {
    const uses = this.#uses.get(key)
    if (uses !== undefined) {
      for (const use of uses) {
        if (use.variant !== variant) continue
        use.hits++
        use.at = now
        return
      }
    }
    const { flushAt = 20_000, limit = 100_000, flushMs = 1000, timers } = this.options
    if (this.#size >= limit) {
      this.dropped++
      return
    }
    const use = { key, variant, hits: 1, at: now }
    if (uses === undefined) this.#uses.set(key, [use])
    else uses.push(use)
    this.#size++
    if (this.#flushing !== undefined) return
    if (this.#size >= flushAt) void this.flush()
    else this.#cancel ??= timers.after(flushMs, () => void this.flush())
  }

  /** Writes all that waits now. Never rejects. */
  async flush(): Promise<void> {
    // Those that are on their way were noted before; what has come since goes with the next round.
    if (this.#flushing !== undefined) await this.#flushing
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#size === 0) return
    await (this.#flushing ??= this.#write().finally(() => {
      this.#flushing = undefined
      const { flushMs = 1000, timers } = this.options
      if (this.#size > 0) this.#cancel ??= timers.after(flushMs, () => void this.flush())
    }))
  }

  async #write(): Promise<void> {
    const uses = [...this.#uses.values()].flat()
    this.#uses = new Map()
    this.#size = 0
    for (let at = 0; at < uses.length; at += BATCH) {
      const batch = uses.slice(at, at + BATCH)
      try {
        await this.store.touch(batch)
      } catch (error) {
        for (const use of uses.slice(at)) this.dropped += use.hits
        this.options.onError(error)
        return
      }
    }
  }
}
