import type { Clock } from './clock.js'
import type { Fence } from './fence/fence.js'
import { settle } from './nodes/settle.js'
import type { FenceState, MetadataStore, NodeRegistry } from './ports/index.js'
import type { Timers } from './timers.js'

export interface LeaseParts {
  readonly metadata: Pick<MetadataStore, 'peekFence'>
  readonly fence: Fence
  readonly clock: Clock
  readonly timers: Timers
  readonly leaseMs: number
  /** Longest wait for other nodes after an invalidation, ms (two leases). */
  readonly settleMs?: number
  /** Where nodes that share the store know of each other. Without it an invalidation waits a whole lease. */
  readonly nodes?: { readonly id: string; readonly registry: NodeRegistry }
}

/**
 * What lets the memory tier answer without asking the store (P1). A store of this machine is asked for its fence on every hit, at
 * once. With a remote one this node registers itself, and what the store said then holds for `leaseMs` from *before* it was asked;
 * invalidations wait until all registered nodes know of them, or have no lease any more.
 */
export class Lease {
  readonly #settleMs: number
  /** Until when it holds, by the monotonic clock and by the wall clock: the former stands still while a machine is suspended. */
  #until = -Infinity
  #untilWall = -Infinity
  /** What the registry knows this node to have seen. */
  #told: FenceState = { epoch: '', seq: 0 }
  #stopped = false
  #renewing = false
  /** The fence has risen while a renewal was under way. */
  #again = false
  #cancel: (() => void) | undefined
  #unsubscribe: (() => void) | undefined

  constructor(private readonly parts: LeaseParts) {
    this.#settleMs = parts.settleMs ?? 2 * parts.leaseMs
  }

  /** Whether the fence's mirror may be relied on now, without a round trip. */
  holds(): boolean {
    const { metadata, fence, clock } = this.parts
    if (metadata.peekFence !== undefined) return fence.observe(metadata.peekFence()) === undefined
    return clock.monotonic() < this.#until && clock.now() < this.#untilWall
  }

  /** This node has raised the fence: the others are told. A hint only, so its loss is no error. */
  tell(fence: FenceState): void {
    this.parts.nodes?.registry.publish(fence).catch(() => undefined)
  }

  /**
   * Waits until an invalidation that the store has acknowledged holds on all nodes. Returns those of which it is not certain.
   * Never rejects.
   */
  async settle(fence: FenceState): Promise<readonly string[]> {
    const { metadata, nodes, timers, leaseMs } = this.parts
    if (metadata.peekFence !== undefined) return []
    if (nodes !== undefined) {
      const { id: nodeId, registry } = nodes
      return settle(fence, { ...this.parts, registry, nodeId, settleMs: this.#settleMs })
    }
    await new Promise<void>(resolve => timers.after(leaseMs, resolve))
    return []
  }

  start(): void {
    if (this.parts.metadata.peekFence !== undefined) return
    this.#unsubscribe = this.parts.nodes?.registry.subscribe(fence => void this.#hinted(fence))
    void this.#renew()
  }

  /** No answer from memory after this call; resolves when the other nodes know it, too. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#until = -Infinity
    this.#cancel?.()
    this.#unsubscribe?.()
    // Where it can't be said it need not be: the registry drops this node when its lease is over.
    await this.parts.nodes?.registry.leave(this.parts.nodes.id).catch(() => undefined)
  }

  async #hinted(hint: FenceState): Promise<void> {
    const { epoch, seq } = this.#told
    if (this.#stopped || (hint.epoch === epoch && hint.seq <= seq)) return
    // The marks first, so that the renewal that follows can tell of them. Should that fail, the renewal does, too.
    await Promise.resolve(this.parts.fence.observe(hint)).catch(() => undefined)
    await this.#renew()
  }

  /** One renewal at a time, the next one a third of a lease later. */
  async #renew(): Promise<void> {
    this.#again = this.#renewing
    if (this.#renewing) return
    this.#renewing = true
    this.#cancel?.()
    try {
      do {
        this.#again = false
        await this.#renewOnce()
      } while (this.#again && !this.#stopped)
    } catch {
      // No lease until the store answers again: hits go to the store and fail over to the origin there, where it is counted.
    }
    this.#renewing = false
    if (!this.#stopped)
      this.#cancel = this.parts.timers.after(this.parts.leaseMs / 3, () => void this.#renew())
  }

  async #renewOnce(): Promise<void> {
    const { fence, clock, nodes, leaseMs } = this.parts
    const asked = clock.monotonic()
    const askedWall = clock.now()
    if (nodes === undefined) await fence.refresh()
    else {
      const seen = fence.state()
      const renewed = await nodes.registry.renew(nodes.id, seen, leaseMs)
      this.#told = seen
      await fence.observe(renewed.fence)
      const { epoch, seq } = fence.state()
      // Whoever waits for this node to know of an invalidation is told at once.
      if (epoch !== seen.epoch || seq !== seen.seq) this.#again = true
    }
    if (this.#stopped) return
    this.#until = asked + leaseMs
    this.#untilWall = askedWall + leaseMs
  }
}
