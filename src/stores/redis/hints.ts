import type { RedisClient } from './client.js'

export interface Hints {
  /** Calls back with each message on the namespace's channel. Returns what ends it. */
  listen(channel: string, listener: (message: Buffer) => void): () => void
}

/**
 * Messages between the nodes of a namespace, by Redis pub/sub. The connection is for this alone (a subscriber can do nothing
 * else) and stays its maker's. Messages are hints: they get lost while there is no connection, and nobody may rely on them.
 */
export function redisHints(redis: RedisClient, namespace: string): Hints {
  const prefix = `{strata:${namespace}}:`
  const listeners = new Map<string, Set<(message: Buffer) => void>>()
  const subscribe = (channel: string) => {
    // Not connected, or not allowed to: there are no hints then. What is lost is told where the connection's errors are.
    redis.subscribe(channel).catch(() => undefined)
  }
  redis.on('ready', () => [...listeners.keys()].forEach(subscribe))
  redis.on('messageBuffer', (channel: Buffer, message: Buffer) => {
    for (const listener of listeners.get(channel.toString('latin1')) ?? []) listener(message)
  })
  return {
    listen(name, listener) {
      const channel = prefix + name
      const all = listeners.get(channel) ?? new Set()
      listeners.set(channel, all.add(listener))
      if (all.size === 1 && redis.status === 'ready') subscribe(channel)
      return () => void all.delete(listener)
    },
  }
}
