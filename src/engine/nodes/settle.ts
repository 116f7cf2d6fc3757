import type { Clock } from '../clock.js'
import type { FenceState, NodeRegistry, RegisteredNodes } from '../ports/index.js'
import type { Timers } from '../timers.js'

export interface SettleParts {
  readonly registry: NodeRegistry
  /** This node: its own mirror has the invalidation already. */
  readonly nodeId: string
  readonly clock: Clock
  readonly timers: Timers
  /** Lease of this node, ms; others are taken to have no longer one unless they have said so. */
  readonly leaseMs: number
  /** Longest wait, ms. */
  readonly settleMs: number
}

/** Stands for nodes that the registry may have lost. */
export const UNKNOWN_NODES = 'unknown'

const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 50

/**
 * Waits until every other node has seen `fence`, which the store has acknowledged, or can't answer from memory any more because
 * its lease has run out. Returns the nodes of which neither is certain after `settleMs`; never rejects.
 *
 * Why this is enough: a lease that was given before the invalidation ends, in the node's own belief, before it ends in the registry,
 * and so within the time that the first look at the registry tells; one that is given after it counts only once the node has all marks
 * up to it. So a node that registers, or renews, after the first look need not be waited for any longer than that.
 */
export async function settle(fence: FenceState, parts: SettleParts): Promise<readonly string[]> {
  const { clock, timers } = parts
  const started = clock.monotonic()
  const deadline = started + parts.settleMs
  const waiting = new Waiting(fence, started, parts.leaseMs)
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const answer = await ask(parts, deadline)
    if (answer !== undefined) waiting.take(answer, clock.monotonic())
    const now = clock.monotonic()
    const pending = waiting.pending(now)
    if (pending.length === 0 || now >= deadline) return pending
    const until = Math.min(deadline, now + pause, waiting.nextEnd(now))
    await new Promise<void>(resolve => timers.after(Math.max(until - now, 1), resolve))
  }
}

/** What the registry says; undefined when it does not say anything in time. */
async function ask(
  { registry, nodeId, clock, timers }: SettleParts,
  deadline: number,
): Promise<RegisteredNodes | undefined> {
  let cancel: (() => void) | undefined
  const late = new Promise<undefined>(resolve => {
    cancel = timers.after(Math.max(deadline - clock.monotonic(), 0), () => resolve(undefined))
  })
  // A registry that can't be asked is one more reason to wait, not a reason to fail: the store has taken the invalidation.
  const answer = registry.others(nodeId).catch(() => undefined)
  const nodes = await Promise.race([answer, late])
  cancel?.()
  return nodes
}

/** Nodes that may still answer from memory without knowing of the invalidation. All times are monotonic ms of this node. */
class Waiting {
  /** When the leases end that each had at the first look. */
  #ends: Map<string, number> | undefined
  /** Until when nodes may be at work that the registry does not tell of. */
  #unknownUntil: number

  constructor(
    private readonly fence: FenceState,
    private readonly started: number,
    private readonly leaseMs: number,
  ) {
    this.#unknownUntil = started + leaseMs
  }

  take({ nodes, wholeForMs }: RegisteredNodes, now: number): void {
    const behind = nodes.filter(({ seen }) => !hasSeen(seen, this.fence))
    const born = now - wholeForMs
    // What has lost its list lacks nodes whose leases still run, all from before that, and from before the invalidation.
    this.#unknownUntil = Math.min(born, this.started) + this.leaseMs
    if (this.#ends === undefined) {
      this.#ends = new Map(behind.map(({ id, remainingMs }) => [id, now + remainingMs]))
      return
    }
    const done = born > this.started ? nodes.filter(({ seen }) => hasSeen(seen, this.fence)) : undefined
    const still = new Set(behind.map(({ id }) => id))
    for (const id of this.#ends.keys()) {
      // Absent from a list that was whole all the time: it has left, or its lease is over.
      const gone = done === undefined ? !still.has(id) : done.some(node => node.id === id)
      if (gone) this.#ends.delete(id)
    }
  }

  pending(now: number): string[] {
    const known = [...(this.#ends ?? [])].filter(([, end]) => end > now).map(([id]) => id)
    return this.#unknownUntil > now ? [...known, UNKNOWN_NODES] : known
  }

  /** When the next of them is over. */
  nextEnd(now: number): number {
    const ends = [...(this.#ends?.values() ?? []), this.#unknownUntil]
    return Math.min(...ends.filter(end => end > now))
  }
}

function hasSeen(seen: FenceState, fence: FenceState): boolean {
  return seen.epoch === fence.epoch && seen.seq >= fence.seq
}
