import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Backend, StrataConfig } from '../config/index.js'
import { systemClock } from '../engine/clock.js'
import { Horizon } from '../engine/rebuild/horizon.js'
import { systemTimers } from '../engine/timers.js'
import type { BodyStore, FillLocks, MetadataStore, NodeRegistry } from '../engine/ports/index.js'
import type { ApiKeyStore } from '../engine/ports/api-key-store.js'
import type { JobStore } from '../engine/ports/job-store.js'
import type { RateLimiters } from '../engine/ports/rate-limiter.js'
import type { StrataError } from '../errors.js'
import type { RedisClient } from '../stores/redis/client.js'
import { closeAll } from './close-all.js'

export interface Stores {
  readonly metadata: MetadataStore
  readonly bodies: BodyStore
  /** Stores that other machines share: how the nodes know of each other, and of what each fetches. */
  readonly nodes?: { readonly id: string; readonly registry: NodeRegistry }
  readonly locks?: FillLocks
  /** Requests that the bodies have taken so far, by kind, where each costs money. */
  readonly bodyRequests?: () => Readonly<Record<string, number>>
  /** Notes invalidations where the loss of the metadata does not reach. */
  readonly horizon?: Horizon
  /** The list of background jobs, and that of warming. */
  readonly jobs: JobStore
  readonly warmJobs: JobStore
  readonly apiKeys: ApiKeyStore
  /** Limits that all nodes count together; without it each process counts by itself. */
  readonly limiters?: RateLimiters
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
  const { memoryMetadataStore, memoryBodyStore, memoryJobStore, memoryApiKeyStore } =
    await import('../stores/memory/index.js')
  const bodies = memoryBodyStore({ maxBytes: config.limits.maxStoreBytes })
  return together(memoryMetadataStore(), bodies, memoryApiKeyStore(), {
    jobs: memoryJobStore(),
    warmJobs: memoryJobStore(),
  })
}

async function openEmbedded({ dataDir, namespace }: StrataConfig): Promise<Stores> {
  const { lmdbMetadataStore, fsBodyStore, lmdbJobStore, lmdbApiKeyStore } =
    await import('../stores/embedded/index.js')
  const folder = join(dataDir, namespace)
  const metadata = lmdbMetadataStore({ path: join(folder, 'metadata') })
  const bodies = fsBodyStore({ path: join(folder, 'bodies') })
  return together(metadata, bodies, lmdbApiKeyStore({ path: folder }), {
    jobs: lmdbJobStore({ path: folder }),
    warmJobs: lmdbJobStore({ path: folder, list: 'warm' }),
  })
}

/** Stores that other machines share: every call bounded, a breaker round each tier (P5). */
async function openShared(backend: 'redis' | 's3-redis', config: StrataConfig, warn: Warn): Promise<Stores> {
  const { connectRedis, disconnectRedis } = await import('../stores/redis/client.js')
  const { redisMetadataStore } = await import('../stores/redis/metadata.js')
  const { redisJobStore } = await import('../stores/redis/jobs.js')
  const { redisApiKeyStore } = await import('../stores/redis/api-keys.js')
  const { guardMetadata, guardBodies } = await import('../stores/guarded.js')
  const { namespace, tiers } = config
  const toldOnce = onceInAWhile(warn)
  const [redis, subscriber] = await Promise.all([
    connectRedis(config.redis, toldOnce),
    connectRedis({ ...config.redis, connectionName: 'strata-hints' }, toldOnce),
  ])
  const told = (tier: string) => (health: { state: string; reason?: string }) =>
    warn('tier-state', { tier, state: health.state, reason: health.reason })
  const metadata = guardMetadata(redisMetadataStore({ redis, namespace }), tiers, told('metadata'))
  const { bodies: unguarded, bodyRequests } =
    backend === 'redis' ? { bodies: await redisBodies(redis, config) } : await s3Bodies(config)
  const bodies = guardBodies(unguarded, tiers, told('bodies'))
  const horizon = horizonOf(bodies, warn)
  const stores = together(
    horizon?.over(metadata) ?? metadata,
    bodies,
    redisApiKeyStore({ redis, namespace }),
    {
      jobs: redisJobStore({ redis, namespace }),
      warmJobs: redisJobStore({ redis, namespace, list: 'w' }),
    },
  )
  return {
    ...stores,
    bodyRequests,
    ...(horizon === undefined ? {} : { horizon }),
    ...(await redisNodes(redis, subscriber, config)),
    limiters: await redisLimiters(redis, config),
    close: () =>
      closeAll([() => stores.close(), () => disconnectRedis(subscriber), () => disconnectRedis(redis)]),
  }
}

function horizonOf({ notes }: BodyStore, warn: Warn): Horizon | undefined {
  if (notes === undefined) return undefined
  const onError = (error: string) => warn('purge-not-noted', { error })
  return new Horizon({ notes, clock: systemClock, timers: systemTimers, onError })
}

async function redisNodes(redis: RedisClient, subscriber: RedisClient, { namespace, tiers }: StrataConfig) {
  const { redisHints } = await import('../stores/redis/hints.js')
  const { redisNodeRegistry } = await import('../stores/redis/registry.js')
  const { redisFillLocks } = await import('../stores/redis/locks.js')
  const { boundLocks, boundRegistry } = await import('../stores/bounded.js')
  const hints = redisHints(subscriber, namespace)
  const registry = boundRegistry(redisNodeRegistry({ redis, namespace, hints }), tiers.timeoutMs)
  const locks = boundLocks(redisFillLocks({ redis, namespace, hints }), tiers)
  return { nodes: { id: nodeId(), registry }, locks }
}

async function redisLimiters(redis: RedisClient, { namespace, tiers }: StrataConfig): Promise<RateLimiters> {
  const { redisRateLimiters } = await import('../stores/redis/rate-limiters.js')
  const { memoryRateLimiters } = await import('../stores/memory/rate-limiters.js')
  const { boundLimiters } = await import('../stores/bounded.js')
  return boundLimiters(redisRateLimiters({ redis, namespace }), memoryRateLimiters(), tiers)
}

/** Says to a reader which process it is; no two lives of one have the same. */
function nodeId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9.-]/g, '-')
    .slice(0, 48)
  return `${host}:${process.pid}:${randomBytes(4).toString('hex')}`
}

async function redisBodies(redis: RedisClient, { namespace, limits }: StrataConfig): Promise<BodyStore> {
  const { redisBodyStore } = await import('../stores/redis/bodies.js')
  return redisBodyStore({ redis, namespace, maxBodyBytes: limits.maxBodyBytes })
}

async function s3Bodies({ s3, namespace }: StrataConfig) {
  const { connectS3 } = await import('../stores/s3/client.js')
  const { countRequests } = await import('../stores/s3/request-counts.js')
  const { s3BodyStore } = await import('../stores/s3/bodies.js')
  const client = connectS3({ ...s3, bucket: s3.bucket! })
  const { prefix, partSizeBytes: partSize, idleTimeoutMs, notes } = s3
  const bodyRequests = countRequests(client)
  const bodies = s3BodyStore({
    ...{ client, bucket: s3.bucket!, prefix, namespace, partSize, idleTimeoutMs, notes },
  })
  return { bodies, bodyRequests }
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

function together(
  metadata: MetadataStore,
  bodies: BodyStore,
  apiKeys: ApiKeyStore,
  { jobs, warmJobs }: Pick<Stores, 'jobs' | 'warmJobs'>,
): Stores {
  return {
    metadata,
    bodies,
    jobs,
    warmJobs,
    apiKeys,
    close: () => closeAll([metadata, bodies, jobs, warmJobs, apiKeys].map(store => () => store.close())),
  }
}
