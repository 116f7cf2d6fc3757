import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StrataOptions } from '../../src/config/index.js'
import { startRedis, type RedisServer } from './redis-server.js'
import { startS3, type S3Server } from './s3-server.js'

export const BACKEND_NAMES = ['memory', 'embedded', 'redis', 's3-redis'] as const
export type BackendName = (typeof BACKEND_NAMES)[number]

/** A backend with the servers that it needs, all its own. */
export interface TestBackend {
  readonly name: BackendName
  /** Entries outlive the process. */
  readonly isPersistent: boolean
  /** The settings that choose it. */
  readonly options: StrataOptions
  /** The same as environment, for the built command. */
  readonly env: Readonly<Record<string, string>>
  /** A folder of this backend, for the embedded store and whatever a test likes to put there. */
  readonly folder: string
  readonly redis: RedisServer | undefined
  readonly s3: S3Server | undefined
  stop(): Promise<void>
}

/** @param startEndpoint for S3, where the backend has it */
export async function startBackend(name: BackendName, startEndpoint = startS3): Promise<TestBackend> {
  const folder = await mkdtemp(join(tmpdir(), `strata-${name}-`))
  const redis = name === 'redis' || name === 's3-redis' ? await startRedis() : undefined
  const s3 = name === 's3-redis' ? await startEndpoint() : undefined
  // A machine that is busy with tests answers late: what happens then is for the tests of faults to say.
  const timeoutMs = 5000
  const env: Record<string, string> = {
    STRATA_BACKEND: name,
    STRATA_DATA_DIR: folder,
    STRATA_TIERS_TIMEOUT_MS: String(timeoutMs),
  }
  const options: { -readonly [Name in keyof StrataOptions]: StrataOptions[Name] } = {
    backend: name,
    dataDir: folder,
    tiers: { timeoutMs },
  }
  if (redis !== undefined) {
    env.STRATA_REDIS_URL = redis.url
    options.redis = { url: redis.url }
  }
  if (s3 !== undefined) {
    const { endpoint, bucket, region, accessKey, secretKey, prefix } = s3
    Object.assign(env, {
      STRATA_S3_ENDPOINT: endpoint,
      STRATA_S3_BUCKET: bucket,
      STRATA_S3_REGION: region,
      STRATA_S3_ACCESS_KEY_ID: accessKey,
      STRATA_S3_SECRET_ACCESS_KEY: secretKey,
      STRATA_S3_PREFIX: prefix,
    })
    options.s3 = { endpoint, bucket, region, accessKeyId: accessKey, secretAccessKey: secretKey, prefix }
  }
  return {
    name,
    isPersistent: name !== 'memory',
    options,
    env,
    folder,
    redis,
    s3,
    stop: async () => {
      await redis?.stop()
      await s3?.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
