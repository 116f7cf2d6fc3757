import type { Fault } from './faults.js'
import { ConfigError } from './faults.js'
import type { Backend, StrataConfig } from './schema.js'

export interface BackendChoice {
  readonly backend: Backend
  /** Why this one, for the start-up line. */
  readonly why: string
}

type Needs = Pick<StrataConfig, 'backend' | 'redis' | 's3'>

/** The backend that was asked for, or the one that the other settings imply. Throws ConfigError when it lacks its settings. */
export function resolveBackend(config: Needs): BackendChoice {
  const faults = backendFaults(config)
  if (faults.length > 0) throw new ConfigError(faults)
  if (config.backend !== undefined) return { backend: config.backend, why: 'backend is set' }
  if (!hasRedis(config)) return { backend: 'embedded', why: 'neither Redis nor S3 is configured' }
  return config.s3.bucket === undefined
    ? { backend: 'redis', why: 'Redis is configured and no S3 bucket' }
    : { backend: 's3-redis', why: 'Redis and an S3 bucket are configured' }
}

/** What the chosen backend lacks. */
export function backendFaults(config: Needs): Fault[] {
  const faults: Fault[] = []
  const { backend, redis, s3 } = config
  if ((backend === 'redis' || backend === 's3-redis') && !hasRedis(config)) {
    faults.push({
      path: 'redis.url',
      message: `is needed by backend "${backend}": set it (STRATA_REDIS_URL) or choose another backend`,
    })
  }
  if (backend === 's3-redis' && s3.bucket === undefined) {
    faults.push({
      path: 's3.bucket',
      message: 'is needed by backend "s3-redis": set it (STRATA_S3_BUCKET) or choose backend "redis"',
    })
  }
  if (backend === undefined && s3.bucket !== undefined && !hasRedis(config)) {
    faults.push({
      path: 'redis.url',
      message: 'is needed when s3.bucket is set: Redis holds the metadata of the bodies in S3',
    })
  }
  if (redis.url !== undefined && redis.cluster !== undefined) {
    faults.push({ path: 'redis.cluster', message: "can't go with redis.url: keep one of the two" })
  }
  if ((s3.accessKeyId === undefined) !== (s3.secretAccessKey === undefined)) {
    const missing = s3.accessKeyId === undefined ? 's3.accessKeyId' : 's3.secretAccessKey'
    faults.push({ path: missing, message: 'is missing: the two S3 keys go together' })
  }
  return faults
}

function hasRedis({ redis }: Needs): boolean {
  return redis.url !== undefined || redis.cluster !== undefined
}
