import type { ApiKeyStore } from '../../engine/ports/api-key-store.js'
import type { RedisClient } from './client.js'
import { rethrow } from './errors.js'

export interface RedisApiKeyOptions {
  readonly redis: RedisClient
  readonly namespace: string
}

/** KEYS: the hash of keys. ARGV: id, text, most. Reply: `added`, `taken` or `full`. */
const ADD = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'taken' end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 'added'
`

/** API keys in the hash `{strata:<namespace>}:api-keys`. The connection stays its maker's: `close` does not end it. */
export function redisApiKeyStore({ redis, namespace }: RedisApiKeyOptions): ApiKeyStore {
  const hash = `{strata:${namespace}}:api-keys`
  return {
    name: 'redis',
    get: async id => (await redis.hget(hash, id).catch(rethrow)) ?? undefined,
    list: () => redis.hvals(hash).catch(rethrow),
    add: async (id, text, most) =>
      (await redis.eval(ADD, 1, hash, id, text, most).catch(rethrow)) as 'added' | 'taken' | 'full',
    remove: async id => (await redis.hdel(hash, id).catch(rethrow)) === 1,
    close: async () => undefined,
  }
}
