import { RateLimiterRedis } from 'rate-limiter-flexible'
import type { RateLimiters } from '../../engine/ports/rate-limiter.js'
import { portOf } from '../local/rate-limiter.js'
import type { RedisClient } from './client.js'
import { rethrow } from './errors.js'

export interface RedisRateLimiterOptions {
  readonly redis: RedisClient
  readonly namespace: string
}

/** Limits counted in Redis, so by all nodes together: keys `{strata:<namespace>}:limit:<name>:<key>`, that end by themselves. */
export function redisRateLimiters({ redis, namespace }: RedisRateLimiterOptions): RateLimiters {
  return ({ name, points, windowSeconds: duration, blockSeconds: blockDuration = 0 }) => {
    const { take, left } = portOf(
      new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: `{strata:${namespace}}:limit:${name}`,
        points,
        duration,
        blockDuration,
        rejectIfRedisNotReady: true,
      }),
    )
    return { take: key => take(key).catch(rethrow), left: key => left(key).catch(rethrow) }
  }
}
