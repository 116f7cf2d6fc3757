import type { Clock } from '../../src/engine/clock.js'
import type { FenceState, FillLocks, LockAnswer, NodeRegistry } from '../../src/engine/ports/index.js'
import type { Timers } from '../../src/engine/timers.js'

/** What nodes of one process share in tests: the registry's port in memory, on a fence that the test owns. */
export function memoryRegistry(fence: () => FenceState, clock: Clock): NodeRegistry {
  const nodes = new Map<string, { seen: FenceState; ends: number }>()
  const listeners = new Set<(fence: FenceState) => void>()
  const born = clock.monotonic()
  const live = () => [...nodes].filter(([, { ends }]) => ends > clock.monotonic())
  return {
    async renew(id, seen, leaseMs) {
      nodes.set(id, { seen, ends: clock.monotonic() + leaseMs })
      return { fence: fence(), nodes: live().length }
    },
    others: async id => ({
      nodes: live()
        .filter(([name]) => name !== id)
        .map(([name, { seen, ends }]) => ({ id: name, seen, remainingMs: ends - clock.monotonic() })),
      wholeForMs: clock.monotonic() - born,
    }),
    leave: async id => void nodes.delete(id),
    publish: async state => {
      for (const listener of listeners) listener(state)
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

type Held = { token: string; ends: number } | { over: number }

/** The locks' port in memory. */
export function memoryLocks(clock: Clock, timers: Timers): FillLocks {
  const locks = new Map<string, Held>()
  const uncacheable = new Map<string, number>()
  const waiting = new Map<string, Set<() => void>>()
  const holder = (name: string) => {
    const held = locks.get(name)
    return held !== undefined && 'token' in held && held.ends > clock.monotonic() ? held : undefined
  }
  return {
    async tryLock(name, token, ttlMs, sinceMs): Promise<LockAnswer> {
      const now = clock.monotonic()
      if ((uncacheable.get(name) ?? -Infinity) > now) return { state: 'uncacheable' }
      const held = holder(name)
      if (held !== undefined && held.token !== token) return { state: 'busy', remainingMs: held.ends - now }
      const was = locks.get(name)
      if (was !== undefined && 'over' in was && was.over >= now - sinceMs) return { state: 'over' }
      locks.set(name, { token, ends: now + ttlMs })
      return { state: 'taken' }
    },
    async extend(name, token, ttlMs) {
      if (holder(name)?.token !== token) return false
      locks.set(name, { token, ends: clock.monotonic() + ttlMs })
      return true
    },
    async unlock(name, token, uncacheableMs = 0) {
      if (holder(name)?.token !== token) return
      if (uncacheableMs > 0) {
        uncacheable.set(name, clock.monotonic() + uncacheableMs)
        locks.delete(name)
      } else locks.set(name, { over: clock.monotonic() })
      for (const wake of [...(waiting.get(name) ?? [])]) wake()
    },
    wait: (name, ms) =>
      new Promise(resolve => {
        const all = waiting.get(name) ?? new Set()
        const wake = () => {
          cancel()
          all.delete(wake)
          resolve()
        }
        const cancel = timers.after(ms, wake)
        waiting.set(name, all.add(wake))
      }),
  }
}
