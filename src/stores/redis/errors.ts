import { messageOf, StrataError } from '../../errors.js'

/** What Redis answers with when it can't serve, and how a reader is to understand it. */
const REPLIES: readonly (readonly [RegExp, string])[] = [
  [/READONLY/, 'Redis is a read-only replica (a failover is under way, or the address is wrong)'],
  [/^LOADING/, 'Redis is loading its data set'],
  [/^-?OOM|OOM command not allowed/, 'Redis has reached maxmemory and refuses writes'],
  [/^(MOVED|ASK) /, 'Redis is a cluster: give its nodes in the cluster setting'],
  [/CLUSTERDOWN|Too many Cluster redirections|Failed to refresh slots cache|None of startup nodes/i, 'the Redis cluster is not available'],
  [/^TRYAGAIN/, 'the Redis cluster is moving these slots'],
  [/MISCONF|NOREPLICAS/, 'Redis refuses writes'],
  [/^(NOAUTH|WRONGPASS|NOPERM)|ERR AUTH/, 'Redis refuses these credentials'],
  [/^BUSY|^UNBLOCKED/, 'Redis is busy with a script'],
  [/^WRONGTYPE/, 'a key of this namespace holds something else: is it shared with another application?'],
  [/enableOfflineQueue|Connection is closed|max retries per request|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|Socket (timeout|closed)/i, 'no connection to Redis'],
] // prettier-ignore

/** The one place where an error of ioredis becomes a StrataError. */
export function redisError(error: unknown): StrataError {
  if (error instanceof StrataError) return error
  const message = messageOf(error)
  if (/Command timed out|connect ETIMEDOUT/i.test(message)) {
    return new StrataError('STRATA_STORE_TIMEOUT', 'Redis did not answer in time', { cause: error })
  }
  const known = REPLIES.find(([pattern]) => pattern.test(message))
  const reason = known === undefined ? message : `${known[1]} (${message})`
  return new StrataError('STRATA_STORE_UNAVAILABLE', reason, { cause: error })
}

/** `rejected` for a promise chain: `redis.ping().catch(rethrow)`. */
export function rethrow(error: unknown): never {
  throw redisError(error)
}
