import { LRUCache } from 'lru-cache'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { RateLimiters } from '../../engine/ports/rate-limiter.js'
import { portOf } from '../local/rate-limiter.js'

/** Keys that are counted at once (P9): beyond it those go that were not seen for longest. */
const MAX_KEYS = 10_000

/** Limits counted in this process. */
export function memoryRateLimiters(maxKeys = MAX_KEYS): RateLimiters {
  return ({ points, windowSeconds: duration, blockSeconds: blockDuration = 0 }) => {
    const limiter = new RateLimiterMemory({ points, duration, blockDuration })
    const seen = new LRUCache<string, true>({
      max: maxKeys,
      dispose: (_, key, reason) => {
        if (reason === 'evict') void limiter.delete(key)
      },
    })
    const { take, left } = portOf(limiter)
    return {
      take: key => {
        seen.set(key, true)
        return take(key)
      },
      left,
    }
  }
}
