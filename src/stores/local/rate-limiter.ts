import { RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible'
import type { RateLimiter } from '../../engine/ports/rate-limiter.js'

/** A limiter of the library as the port wants it: it rejects with its result where it has to turn somebody away. */
export function portOf(limiter: RateLimiterAbstract): RateLimiter {
  return {
    take: async key => {
      try {
        await limiter.consume(key)
        return 0
      } catch (result) {
        if (result instanceof RateLimiterRes) return waitOf(result)
        throw result
      }
    },
    left: async key => {
      const result = await limiter.get(key)
      return result !== null && result.consumedPoints > limiter.points ? waitOf(result) : 0
    },
  }
}

/** At least a moment: 0 would mean that there is nothing to wait for. */
function waitOf({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, msBeforeNext)
}
