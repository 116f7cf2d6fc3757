import { join } from 'node:path'
import type { Backend, StrataConfig } from '../config/index.js'
import type { BodyStore, MetadataStore } from '../engine/ports/index.js'
import type { StrataError } from '../errors.js'
import type { RedisClient } from '../stores/redis/client.js'

export interface Stores {
  readonly metadata: MetadataStore
  readonly bodies: BodyStore
  close(): Promise<void>
}

type Warn = (what: string, details: Record<string, unknown>) => void

/** Opens the adapters of a backend. Each is loaded when it is asked for: the embedded store needs no Redis client in memory. */
export async function openStores(backend: Backend, config: StrataConfig, warn: Warn): Promise<Stores> {
  switch (backend) {
    case 'memory':
      return openMemory(config)
    case 'embedded':
      return openEmbedded(config)
    case 'redis':
    case 's3-redis':
      return openShared(backend, config, warn)
  }
}

async function openMemory(config: StrataConfig): Promise<Stores> {
  const { memoryMetadataStore, memoryBodyStore } = await import('../stores/memory/index.js')
  return together(memoryMetadataStore(), memoryBodyStore({ maxBytes: config.limits.maxStoreBytes }))
}

async function openEmbedded({ dataDir, namespace }: StrataConfig): Promise<Stores> {
  const { lmdbMetadataStore, fsBodyStore } = await import('../stores/embedded/index.js')
  const folder = join(dataDir, namespace)
  const metadata = lmdbMetadataStore({ path: join(folder, 'metadata') })
  return together(metadata, fsBodyStore({ path: join(folder, 'bodies') }))
}

/** Stores that other machines share: every call bounded, a breaker round each tier (P5). */
async function openShared(backend: 'redis' | 's3-redis', config: StrataConfig, warn: Warn): Promise<Stores> {
  const { connectRedis, disconnectRedis } = await import('../stores/redis/client.js')
  const { redisMetadataStore } = await import('../stores/redis/metadata.js')
  const { guardMetadata, guardBodies } = await import('../stores/guarded.js')
  const { namespace, tiers } = config
  const redis = await connectRedis(config.redis, onceInAWhile(warn))
  const told = (tier: string) => (health: { state: string; reason?: string }) =>
    warn('tier-state', { tier, state: health.state, reason: health.reason })
  const metadata = guardMetadata(redisMetadataStore({ redis, namespace }), tiers, told('metadata'))
  const bodies = backend === 'redis' ? await redisBodies(redis, config) : await s3Bodies(config)
  const stores = together(metadata, guardBodies(bodies, tiers, told('bodies')))
  return {
    ...stores,
    close: async () => {
      await stores.close()
      disconnectRedis(redis)
    },
  }
}

async function redisBodies(redis: RedisClient, { namespace, limits }: StrataConfig): Promise<BodyStore> {
  const { redisBodyStore } = await import('../stores/redis/bodies.js')
  return redisBodyStore({ redis, namespace, maxBodyBytes: limits.maxBodyBytes })
}

async function s3Bodies({ s3, namespace }: StrataConfig): Promise<BodyStore> {
  const { connectS3 } = await import('../stores/s3/client.js')
  const { s3BodyStore } = await import('../stores/s3/bodies.js')
  const client = connectS3({ ...s3, bucket: s3.bucket! })
  const { prefix, partSizeBytes: partSize, idleTimeoutMs } = s3
  return s3BodyStore({ client, bucket: s3.bucket!, prefix, namespace, partSize, idleTimeoutMs })
}

const REPEAT_AFTER_MS = 10_000

/** A server that is down makes an error for each attempt to reach it: the same one is told again only after a while. */
function onceInAWhile(warn: Warn): (error: StrataError) => void {
  let last = ''
  let toldAt = -Infinity
  return ({ message }) => {
    const now = performance.now()
    if (message === last && now - toldAt < REPEAT_AFTER_MS) return
    last = message
    toldAt = now
    warn('redis-connection', { error: message })
  }
}

function together(metadata: MetadataStore, bodies: BodyStore): Stores {
  return {
    metadata,
    bodies,
    close: async () => {
      await metadata.close()
      await bodies.close()
    },
  }
}
