import { z } from 'zod'
import {
  addressRange,
  bytes,
  count,
  endpointUrl,
  fieldName,
  glob,
  milliseconds,
  originUrl,
  redisUrl,
} from './kinds.js'
import {
  httpSchema,
  limitsSchema,
  memorySchema,
  refreshSchema,
  sweepSchema,
  tiersSchema,
  warmSchema,
} from './engine-schema.js'
import { tilesSchema } from './layer-schema.js'
import { adminSchema } from './admin-schema.js'
import { defaultsSchema, ruleSchema } from './rule-schema.js'

/**
 * Every setting of Strata: its place, its kind, its default and one line on it. Environment names, the table in the README
 * and `strata settings` are derived from here. Objects are strict: an unknown key is a fault.
 *
 * `secret: true` marks what is redacted in print and can be read from a file by `STRATA_…_FILE`.
 */

export const BACKENDS = ['memory', 'embedded', 'redis', 's3-redis'] as const
export type Backend = (typeof BACKENDS)[number]

const MiB = 1024 ** 2
const GiB = 1024 ** 3

const secret = (description: string) => z.string().min(1).optional().meta({ description, secret: true })

const redis = z.strictObject({
  url: redisUrl()
    .optional()
    .meta({ description: 'Redis server, e.g. redis://127.0.0.1:6379/0 (rediss:// for TLS)', secret: true }),
  cluster: z
    .array(
      z
        .string()
        .regex(
          /^(\[[0-9a-fA-F:.]+\]|[^\s:/@]+):\d{1,5}$/,
          'must be host:port, such as "redis-1.internal:6379"',
        ),
    )
    .min(1)
    .optional()
    .describe('Nodes of a Redis Cluster (host:port) in place of redis.url'),
  username: z.string().min(1).optional().describe('Redis user, when it is not in the URL'),
  password: secret('Redis password, when it is not in the URL'),
  tls: z.boolean().default(false).describe('Connect to Redis by TLS (rediss:// does it too)'),
  connectTimeoutMs: milliseconds({ min: 1 })
    .default(2000)
    .describe('Longest wait for a connection to Redis (milliseconds)'),
  commandTimeoutMs: milliseconds({ min: 1 })
    .default(2000)
    .describe('Longest wait for a Redis reply off the way to a client: fills, purges, sweeps (milliseconds)'),
})

const s3 = z.strictObject({
  bucket: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      'must be a bucket name: 3 to 63 small letters, digits, dots and hyphens',
    )
    .optional()
    .describe('Bucket for bodies'),
  endpoint: endpointUrl()
    .optional()
    .describe('URL of an S3-compatible server; without it AWS S3 of the region'),
  region: z.string().min(1).default('us-east-1').describe('Region of the bucket'),
  accessKeyId: secret(
    "Access key; without it the AWS SDK's own chain (environment, profile, instance) is used",
  ),
  secretAccessKey: secret('Secret key that goes with s3.accessKeyId'),
  sessionToken: secret('Session token that goes with temporary credentials'),
  forcePathStyle: z
    .boolean()
    .optional()
    .describe(
      'Bucket in the path in place of the host name; without a value: true when s3.endpoint is set, else false',
    ),
  checksums: z
    .enum(['when_required', 'when_supported'])
    .default('when_required')
    .describe(
      'When the SDK sends and checks checksums of its own; not every S3-compatible server knows them',
    ),
  prefix: z
    .string()
    .max(256)
    .regex(/^([A-Za-z0-9!_.*'()-]+\/)*$/, 'must be empty or end with "/", such as "strata/"')
    .default('strata/')
    .describe('Put in front of every object name'),
  partSizeBytes: bytes({ min: 5 * MiB, max: 5 * GiB })
    .default(8 * MiB)
    .describe('Bodies larger than this go up in parts of this size (S3 allows no less than 5 MiB)'),
  connectTimeoutMs: milliseconds({ min: 1 })
    .default(2000)
    .describe('Longest wait for a connection to S3 (milliseconds)'),
  idleTimeoutMs: milliseconds({ min: 1 })
    .default(10_000)
    .describe('Longest silence of S3 within a request or a body (milliseconds)'),
  notes: z
    .boolean()
    .default(true)
    .describe(
      'Keeps metadata beside each body, and when the last purge was, for strata reconcile --rebuild; all nodes alike',
    ),
})

const proxy = z.strictObject({
  hostHeader: z
    .enum(['origin', 'preserve'])
    .default('origin')
    .describe("Host sent to the origin: the origin's own, or the client's (then part of the key)"),
  trustProxy: z
    .array(addressRange())
    .default([])
    .describe(
      'Peers whose X-Forwarded-* fields are believed: addresses, ranges such as 10.0.0.0/8, or loopback',
    ),
  connectTimeoutMs: milliseconds({ min: 1 })
    .default(5000)
    .describe('Longest wait for a connection to the origin (milliseconds)'),
  headersTimeoutMs: milliseconds({ min: 1 })
    .default(60_000)
    .describe("Longest wait for the origin's response header (milliseconds)"),
  bodyTimeoutMs: milliseconds()
    .default(60_000)
    .describe("Longest silence within the origin's response body (milliseconds; 0: none)"),
  maxHeaderBytes: bytes({ min: 1024, max: MiB })
    .default(64 * 1024)
    .describe("Largest header of the origin's response; a larger one is a 502"),
  maxConnections: count({ min: 1, max: 65_535 }).default(256).describe('Connections to the origin at once'),
  surplusBytes: z
    .enum(['refuse', 'ignore'])
    .default('refuse')
    .describe(
      "Bytes that come right behind the end of an origin's response: a 502, or ignored (the connection is not used again either way)",
    ),
  viaName: fieldName().default('strata').describe('Name in the Via field (RFC 9110 §7.6.3)'),
  upgrades: z
    .array(glob('/ws/**'))
    .default([])
    .describe('Paths (globs) where WebSockets pass; elsewhere they get 403'),
})

const server = z.strictObject({
  requestTimeoutMs: milliseconds()
    .default(300_000)
    .describe('Longest time for a client to send a whole request (milliseconds; 0: none)'),
  headersTimeoutMs: milliseconds({ min: 1 })
    .default(30_000)
    .describe('Longest time for a client to send the header (milliseconds)'),
  sendTimeoutMs: milliseconds()
    .default(60_000)
    .describe('Longest time in which a client may take nothing of its answer (milliseconds; 0: any)'),
  keepAliveTimeoutMs: milliseconds()
    .default(60_000)
    .describe('How long an idle client connection stays open (milliseconds)'),
  maxHeaderBytes: bytes({ min: 1024, max: MiB })
    .default(16 * 1024)
    .describe("Largest header of a client's request"),
  maxFields: count({ min: 16, max: 65_536 })
    .default(1000)
    .describe("Field lines of a client's request; more get 431"),
  maxUrlBytes: bytes({ min: 256, max: MiB })
    .default(16 * 1024)
    .describe("Longest target of a client's request; longer ones get 414"),
  maxBodyBytes: bytes().default(GiB).describe("Largest content of a client's request; larger ones get 413"),
  drainTimeoutMs: milliseconds()
    .default(10_000)
    .describe('How long running requests may take to end after SIGTERM (milliseconds)'),
})

const log = z.strictObject({
  level: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least important lines that are logged'),
  access: z.boolean().default(true).describe('One log line for each request'),
})

export const configSchema = z.strictObject({
  origin: originUrl()
    .optional()
    .describe('Where responses come from, e.g. http://127.0.0.1:9000 (the middleware needs none)'),
  port: count({ max: 65_535 }).default(8080).describe('Port to listen on; 0: any that is free'),
  workers: count({ min: 1, max: 256 })
    .optional()
    .describe(
      'strata serve: processes that share the port and the store, one for each core; SIGHUP replaces them by ones with the settings of then',
    ),
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; 0.0.0.0 or :: for all'),
  backend: z
    .enum(BACKENDS)
    .optional()
    .describe(
      'Where entries live; without a value: s3-redis with Redis and a bucket, redis with Redis, else embedded',
    ),
  namespace: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" or "-"')
    .default('default')
    .describe('Keeps applications that share a store apart'),
  dataDir: z.string().min(1).default('./.strata').describe('Folder of the embedded store'),
  profile: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be "default" or the name of a file config/<profile>.yaml')
    .default('default')
    .describe('Named settings beneath your own: default, or a file config/<profile>.yaml of the package'),
  rules: z
    .array(ruleSchema)
    .max(1000)
    .default([])
    .describe(
      'Rules for path globs, the first that matches applies, on top of defaults: [{match: /tiles/**, ttl: 1d}]',
    ),
  redis: redis.prefault({}),
  s3: s3.prefault({}),
  admin: adminSchema.prefault({}),
  proxy: proxy.prefault({}),
  server: server.prefault({}),
  log: log.prefault({}),
  defaults: defaultsSchema.prefault({}),
  http: httpSchema.prefault({}),
  limits: limitsSchema.prefault({}),
  memory: memorySchema.prefault({}),
  sweep: sweepSchema.prefault({}),
  refreshAfterPurge: refreshSchema.prefault({}),
  warm: warmSchema.prefault({}),
  tiers: tiersSchema.prefault({}),
  tiles: tilesSchema.prefault({}),
})

/** Lists and tuples too: what is mapped over a list stays one. */
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T

/** All settings, checked, with every default filled in. */
export type StrataConfig = DeepReadonly<z.output<typeof configSchema>>

/** Settings as people write them, in a file or in code: everything is optional. */
export type StrataOptions = DeepReadonly<z.input<typeof configSchema>>
