import type { Clock } from './clock.js'
import type { Events } from './parts.js'
import type { MetadataStore, Usage } from './ports/index.js'
import { isFull, isOver, type EvictionLimits } from './sweep/store-sweep.js'

/** How long the store's answer holds, ms. */
const HOLDS_MS = 1000
/** Between two sweeps that are asked for, unless the store has become full meanwhile, ms. */
const POKE_AFTER_MS = 5000
/** … where the disk is full: what a sweep has removed still has its readers for a while (`sweep.bodyGraceMs`). */
const CRAMPED_POKE_AFTER_MS = 45_000

export interface StoreRoomParts {
  readonly metadata: Pick<MetadataStore, 'usage'>
  readonly limits: EvictionLimits
  readonly clock: Pick<Clock, 'monotonic'>
  /** The store is over its limits. */
  readonly onOver: () => void
  readonly events: Events
}

/** Whether the store has room (P9). Sweeps evict in the background: whoever stores would outrun them in the end. */
export class StoreRoom {
  #isFull = false
  /** The last look at the store, and whether it is over. */
  #looks = 0
  #isLooking = false
  #lookedAt = -Infinity
  #pokedAt = -Infinity

  constructor(private readonly parts: StoreRoomParts) {}

  /** As it was within the last second, for who asks at every answer that is to be stored. */
  get isFull(): boolean {
    const now = this.parts.clock.monotonic()
    if (!this.#isLooking && now - this.#lookedAt >= HOLDS_MS) void this.#ask(now)
    return this.#isFull
  }

  /** To be told of what has been removed: who waits for room need not wait for the next look. Asks for no sweep. */
  async look(): Promise<void> {
    if (this.#isFull) await this.#look(this.parts.clock.monotonic())
  }

  async #ask(now: number): Promise<void> {
    const { limits, onOver } = this.parts
    const wasFull = this.#isFull
    const usage = await this.#look(now)
    if (usage === undefined) return
    const becameFull = this.#isFull && !wasFull
    if (becameFull) this.#tell(usage)
    const pause = usage.isCramped === true ? CRAMPED_POKE_AFTER_MS : POKE_AFTER_MS
    if (becameFull || (isOver(usage, limits) && now - this.#pokedAt >= pause)) {
      this.#pokedAt = now
      onOver()
    }
  }

  /** Undefined when the store does not answer, or has been asked again meanwhile: that knows more. */
  async #look(now: number): Promise<Usage | undefined> {
    const { metadata, limits } = this.parts
    const look = ++this.#looks
    this.#isLooking = true
    // The guard of the store tells why it fails; what was known last holds until it answers again.
    const usage = await metadata.usage().catch(() => undefined)
    if (look !== this.#looks) return undefined
    this.#lookedAt = now
    this.#isLooking = false
    if (usage !== undefined) this.#isFull = isFull(usage, limits)
    return usage
  }

  #tell({ entries, bodyBytes, isCramped = false }: Usage): void {
    const { maxStoreEntries, maxStoreBytes } = this.parts.limits
    this.parts.events.warn('store-full', { entries, maxStoreEntries, bodyBytes, maxStoreBytes, isCramped })
  }
}
