import type { FillLocks, NodeRegistry } from '../engine/ports/index.js'
import type { RateLimiter, RateLimiters } from '../engine/ports/rate-limiter.js'
import { isStrataError, StrataError } from '../errors.js'
import { TierGuard, type GuardSettings } from './tier-guard.js'

/** Locks with every call bounded: a request waits for one at most as long as for a store, and not at all while they fail (P5). */
export function boundLocks(locks: FillLocks, settings: GuardSettings): FillLocks {
  const { timeoutMs } = settings
  // Its state is told by the metadata tier's, which is the same server.
  const guard = new TierGuard('locks', settings, () => undefined)
  return {
    tryLock: (...args) => guard.wait(() => locks.tryLock(...args), timeoutMs),
    extend: (...args) => guard.wait(() => locks.extend(...args), timeoutMs),
    unlock: (...args) => guard.wait(() => locks.unlock(...args), timeoutMs),
    wait: (name, ms) => locks.wait(name, ms),
  }
}

/** A registry with every call bounded. No breaker: a node that can't renew its lease must find out as soon as it can again. */
export function boundRegistry(registry: NodeRegistry, timeoutMs: number): NodeRegistry {
  return {
    renew: (...args) => within(registry.renew(...args), timeoutMs),
    others: id => within(registry.others(id), timeoutMs),
    leave: id => within(registry.leave(id), timeoutMs),
    publish: fence => within(registry.publish(fence), timeoutMs),
    subscribe: listener => registry.subscribe(listener),
  }
}

async function within<T>(answer: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(new StrataError('STRATA_STORE_TIMEOUT', `no answer from the nodes' registry within ${ms} ms`)),
      ms,
    )
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Shared limits that are counted in this process while the store does not answer: a limit less strict, but never none, and no wait. */
export function boundLimiters(
  shared: RateLimiters,
  own: RateLimiters,
  settings: GuardSettings,
): RateLimiters {
  const guard = new TierGuard('limits', settings, () => undefined)
  return limit => {
    const [first, second] = [shared(limit), own(limit)]
    const either = async (ask: (limiter: RateLimiter) => Promise<number>) => {
      try {
        return await guard.wait(() => ask(first), settings.timeoutMs)
      } catch (error) {
        if (isStrataError(error)) return ask(second)
        throw error
      }
    }
    return {
      take: key => either(limiter => limiter.take(key)),
      left: key => either(limiter => limiter.left(key)),
    }
  }
}
