import type { FenceState } from './metadata-store.js'

/** A node as the registry holds it. */
export interface RegisteredNode {
  readonly id: string
  /** The newest fence that it has said to have seen all marks of. */
  readonly seen: FenceState
  /** Until its lease ends by the registry's clock, ms, more than 0. It believes its lease to end earlier: it counts from before it asked. */
  readonly remainingMs: number
}

export interface RegisteredNodes {
  readonly nodes: readonly RegisteredNode[]
  /** How long nothing of the list can have been lost, ms. Nodes that registered before (the store was emptied, or another one took over) may be missing. */
  readonly wholeForMs: number
}

/**
 * The nodes of one namespace that may answer from memory, each with a lease, and the hint that an invalidation has come (P1).
 * Calls reject with STRATA_STORE_UNAVAILABLE or STRATA_STORE_TIMEOUT. A `renew` that timed out may land late: the registry
 * then only believes the node to be alive for longer than it is.
 */
export interface NodeRegistry {
  /**
   * Registers the node, or renews it, and reads the fence, in one atomic step and one round trip. The registry drops it `leaseMs`
   * later. A fence that lies behind `seen` in the same epoch has lost writes: a new epoch begins.
   */
  renew(
    id: string,
    seen: FenceState,
    leaseMs: number,
  ): Promise<{ readonly fence: FenceState; readonly nodes: number }>
  /** All other nodes with a lease. */
  others(id: string): Promise<RegisteredNodes>
  /** The node answers from memory no more. */
  leave(id: string): Promise<void>
  /** Tells all who listen that the fence has risen. A hint: it may get lost. */
  publish(fence: FenceState): Promise<void>
  /** Calls back with each fence that is told. Returns what ends it. */
  subscribe(listener: (fence: FenceState) => void): () => void
}
