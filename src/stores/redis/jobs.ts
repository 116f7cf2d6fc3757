import type { JobStore } from '../../engine/ports/job-store.js'
import type { RedisClient } from './client.js'
import { rethrow } from './errors.js'

export interface RedisJobOptions {
  readonly redis: RedisClient
  readonly namespace: string
  /** Lists beside the first have a name. */
  readonly list?: string
}

const PAPER_SECONDS = 30 * 86_400

/** KEYS: the list. ARGV: before, after. Reply: 1 when it was `before` and is `after` now, else 0. */
const SWAP = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
`

/** The list of jobs at `{strata:<namespace>}:j<list>`, its papers behind that. The connection stays its maker's: `close` does not end it. */
export function redisJobStore({ redis, namespace, list = '' }: RedisJobOptions): JobStore {
  const key = `{strata:${namespace}}:j${list}`
  const paperKey = (name: string) => `${key}:p:${name}`
  return {
    name: 'redis',
    read: async () => (await redis.get(key).catch(rethrow)) ?? '',
    swap: async (before, after) => (await redis.eval(SWAP, 1, key, before, after).catch(rethrow)) === 1,
    paper: async name => (await redis.get(paperKey(name)).catch(rethrow)) ?? '',
    putPaper: async (name, paper) => {
      if (paper === '') await redis.del(paperKey(name)).catch(rethrow)
      else await redis.set(paperKey(name), paper, 'EX', PAPER_SECONDS).catch(rethrow)
    },
    close: async () => undefined,
  }
}
