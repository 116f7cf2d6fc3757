import type { Clock } from './clock.js'
import type { Fence } from './fence/fence.js'
import type { MetadataStore } from './ports/index.js'
import type { Timers } from './timers.js'

/**
 * What lets the memory tier answer without asking the store (P1). A store of this machine is asked for its fence on every hit, at
 * once. A remote one is asked in the background: what it said holds for `leaseMs` from *before* it was asked, on the monotonic
 * clock; an invalidation waits as long before it says that it is effective everywhere.
 */
export class Lease {
  #until = -Infinity
  #stopped = false
  #cancel: (() => void) | undefined

  constructor(
    private readonly store: MetadataStore,
    private readonly fence: Fence,
    private readonly clock: Clock,
    private readonly timers: Timers,
    private readonly leaseMs: number,
  ) {}

  /** Whether the fence's mirror may be relied on now, without a round trip. */
  holds(): boolean {
    const { store } = this
    if (store.peekFence !== undefined) return this.fence.observe(store.peekFence()) === undefined
    return this.clock.monotonic() < this.#until
  }

  /** How long after an invalidation no node answers from memory on the strength of an older lease, ms. */
  get waitMs(): number {
    return this.store.peekFence === undefined ? this.leaseMs : 0
  }

  /** Waits until an invalidation that the store has acknowledged holds on all nodes. Returns those of which it is not certain: none. */
  async settle(): Promise<readonly string[]> {
    const { waitMs } = this
    if (waitMs > 0) await new Promise<void>(resolve => this.timers.after(waitMs, resolve))
    return []
  }

  start(): void {
    if (this.store.peekFence === undefined) void this.#renew()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  async #renew(): Promise<void> {
    const asked = this.clock.monotonic()
    try {
      await this.fence.refresh()
      this.#until = asked + this.leaseMs
    } catch {
      // No lease until the store answers again: hits go to the store and fail over to the origin there, where it is counted.
    }
    if (!this.#stopped) this.#cancel = this.timers.after(this.leaseMs / 3, () => void this.#renew())
  }
}
