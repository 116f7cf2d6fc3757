import type { FillLocks, LockAnswer } from '../../engine/ports/index.js'
import type { RedisClient } from './client.js'
import type { Hints } from './hints.js'
import { packName, unpackName } from './names.js'
import { listOf, numberOf, textOf } from './reply.js'
import { scriptRunner } from './script-runner.js'

export interface RedisLocksOptions {
  readonly redis: RedisClient
  readonly namespace: string
  readonly hints: Hints
}

const CHANNEL = '#fills'

/** How long it is remembered that a lock was given back, ms: longer than anyone pauses between two looks at it. */
const OVER_MS = 2_000

export function redisFillLocks({ redis, namespace, hints }: RedisLocksOptions): FillLocks {
  const scripts = scriptRunner(redis, `{strata:${namespace}}:f`)
  const waiting = new Map<string, Set<() => void>>()
  hints.listen(CHANNEL, message => {
    for (const wake of [...(waiting.get(unpackName(message)) ?? [])]) wake()
  })
  return {
    async tryLock(name, token, ttlMs, sinceMs): Promise<LockAnswer> {
      const reply = await scripts.run('tryLock', packName(name), token, ttlMs, Math.ceil(sinceMs))
      const [state, left] = listOf(reply)
      const word = textOf(state)
      switch (word) {
        case 'busy':
          return { state: word, remainingMs: numberOf(left) }
        case 'taken':
        case 'over':
        case 'uncacheable':
          return { state: word }
        default:
          throw new Error(`the tryLock script answered ${word}`)
      }
    },

    async extend(name, token, ttlMs) {
      return numberOf(await scripts.run('extendLock', packName(name), token, ttlMs)) === 1
    },

    async unlock(name, token, uncacheableMs = 0) {
      await scripts.run('unlock', packName(name), token, Math.ceil(uncacheableMs), OVER_MS, CHANNEL)
    },

    wait(name, ms) {
      return new Promise(resolve => {
        const all = waiting.get(name) ?? new Set()
        const wake = () => {
          clearTimeout(timer)
          all.delete(wake)
          if (all.size === 0) waiting.delete(name)
          resolve()
        }
        const timer = setTimeout(wake, ms)
        timer.unref()
        waiting.set(name, all.add(wake))
      })
    },
  }
}
