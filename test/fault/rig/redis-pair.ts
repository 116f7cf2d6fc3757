import { Redis } from 'ioredis'
import { startRedis, type RedisServer } from '../../support/redis-server.js'
import { startTcpProxy } from './tcp-proxy.js'

/** A primary and its replica behind one address, as managed Redis has it. As a RedisServer it is whichever is the primary. */
export interface RedisPair extends RedisServer {
  /** From now on the replica gets nothing any more. */
  holdReplication(): void
  /** Resolves when the replica has all that the primary had when it was called. */
  replicated(): Promise<void>
  /** The primary is killed, the replica takes its place, at the same address; a new replica will follow it (`replicated`). */
  failOver(): Promise<void>
}

/** A replica that asks for everything is not held up for others to come. */
const AT_ONCE = ['--repl-diskless-sync-delay', '0']
const LOCAL = { host: '127.0.0.1' }

export async function startRedisPair(): Promise<RedisPair> {
  let primary = await startRedis({ args: AT_ONCE })
  let feed = await startTcpProxy({ ...LOCAL, port: primary.port })
  let replica = await startReplica(feed.port)
  const front = await startTcpProxy({ ...LOCAL, port: primary.port })
  await synced(primary)

  return {
    url: `redis://127.0.0.1:${front.port}`,
    port: front.port,
    get pid() {
      return primary.pid
    },
    pause: () => primary.pause(),
    resume: () => primary.resume(),
    async restart() {
      await primary.restart()
      await synced(primary)
    },
    holdReplication: () => feed.set({ stall: 'both' }),
    replicated: () => synced(primary),
    async failOver() {
      await primary.stop()
      await feed.stop()
      await ask(replica, 'REPLICAOF', 'NO', 'ONE')
      primary = replica
      front.aim({ ...LOCAL, port: primary.port })
      front.reset()
      feed = await startTcpProxy({ ...LOCAL, port: primary.port })
      replica = await startReplica(feed.port)
    },
    async stop() {
      await front.stop()
      await feed.stop()
      await Promise.all([primary.stop(), replica.stop()])
    },
  }
}

function startReplica(primaryPort: number): Promise<RedisServer> {
  const args = ['--replicaof', '127.0.0.1', String(primaryPort), '--repl-ping-replica-period', '1']
  return startRedis({ args: [...args, ...AT_ONCE] })
}

/** Its replica has all that it has now. */
async function synced(primary: RedisServer): Promise<void> {
  while (Number(await ask(primary, 'WAIT', '1', '100')) < 1) await new Promise(r => setTimeout(r, 20))
}

async function ask(server: RedisServer, command: string, ...args: string[]): Promise<unknown> {
  const redis = new Redis(server.port, '127.0.0.1', { protocol: 2 })
  try {
    return await redis.call(command, ...args)
  } finally {
    redis.disconnect()
  }
}
