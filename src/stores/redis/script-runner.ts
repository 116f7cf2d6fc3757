import type { RedisClient } from './client.js'
import { redisError } from './errors.js'
import { SCRIPTS, type ScriptName } from './scripts/index.js'

export type ScriptArgument = string | number | Buffer
type Run = (...args: ScriptArgument[]) => Promise<unknown>

/** Runs one of our scripts; replies come as Buffers, numbers and arrays of them. Rejects with StrataErrors. */
export interface ScriptRunner {
  run(name: ScriptName, ...args: ScriptArgument[]): Promise<unknown>
}

/** Registers the scripts on the client (EVALSHA; ioredis sends the source again where a server does not know it). */
export function scriptRunner(redis: RedisClient, key: string): ScriptRunner {
  const commands = redis as unknown as Record<string, Run | undefined>
  for (const [name, lua] of Object.entries(SCRIPTS)) {
    const command = `strata_${name}`
    if (commands[command] === undefined) redis.defineCommand(command, { numberOfKeys: 1, lua })
  }
  return {
    async run(name, ...args) {
      try {
        return await commands[`strata_${name}Buffer`]!.call(redis, key, ...args)
      } catch (error) {
        throw redisError(error)
      }
    },
  }
}
