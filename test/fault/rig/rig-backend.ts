import { startBackend, type BackendName, type TestBackend } from '../../support/backends.js'
import { startRedisCluster, type RedisCluster, type RedisServer } from '../../support/redis-server.js'
import { startRedisPair } from './redis-pair.js'

/** `redis-pair`: a primary with a replica; `redis-cluster`: three primaries. */
export type RigBackendName = BackendName | 'redis-pair' | 'redis-cluster'

export interface RigBackend extends TestBackend {
  readonly cluster?: RedisCluster
}

export async function startRigBackend(name: RigBackendName): Promise<RigBackend> {
  if (name === 'redis-pair') return withRedis(await startRedisPair())
  if (name !== 'redis-cluster') return startBackend(name)
  const cluster = await startRedisCluster()
  return { ...(await withRedis(oneOf(cluster))), cluster }
}

/** The backend `redis`, on servers that are there already. */
async function withRedis(redis: RedisServer): Promise<RigBackend> {
  const base = await startBackend('memory')
  const env = { ...base.env, STRATA_BACKEND: 'redis' }
  const stop = async () => {
    await base.stop()
    await redis.stop()
  }
  return {
    ...base,
    name: 'redis',
    isPersistent: true,
    options: { ...base.options, backend: 'redis' },
    env,
    redis,
    stop,
  }
}

/** What befalls "the" Redis befalls its servers in turn. */
function oneOf({ servers, stop }: RedisCluster): RedisServer {
  let turn = 0
  const next = () => servers[turn++ % servers.length]!
  let paused: RedisServer | undefined
  return {
    url: servers[0]!.url,
    port: servers[0]!.port,
    pid: servers[0]!.pid,
    stop,
    pause() {
      paused = next()
      paused.pause()
    },
    resume: () => paused?.resume(),
    restart: () => next().restart(),
  }
}
