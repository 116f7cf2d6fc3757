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
  seconds,
} from './kinds.js'
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
})

const admin = z.strictObject({
  token: z
    .string()
    .min(8, 'must have at least 8 characters')
    .regex(
      /^[A-Za-z0-9._~+/=-]+$/,
      'must hold only characters of a bearer token: letters, digits and . _ ~ + / = -',
    )
    .optional()
    .meta({
      description: 'Bearer token for the admin routes; without one they answer on loopback only',
      secret: true,
    }),
  path: z
    .string()
    .regex(/^(\/[A-Za-z0-9._~-]+)+$/, 'must begin with "/" and not end with one, such as "/admin/cache"')
    .default('/admin/cache')
    .describe('Where the admin routes are'),
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
  maxConnections: count({ min: 1, max: 65_535 }).default(256).describe('Connections to the origin at once'),
  viaName: fieldName().default('strata').describe('Name in the Via field (RFC 9110 §7.6.3)'),
  upgrades: z
    .array(glob('/ws/**'))
    .default(['**'])
    .describe('Paths (globs) where WebSocket and other upgrades pass; empty: nowhere'),
})

const server = z.strictObject({
  requestTimeoutMs: milliseconds()
    .default(300_000)
    .describe('Longest time for a client to send a whole request (milliseconds; 0: none)'),
  headersTimeoutMs: milliseconds({ min: 1 })
    .default(30_000)
    .describe('Longest time for a client to send the header (milliseconds)'),
  keepAliveTimeoutMs: milliseconds()
    .default(60_000)
    .describe('How long an idle client connection stays open (milliseconds)'),
  maxHeaderBytes: bytes({ min: 1024, max: MiB })
    .default(16 * 1024)
    .describe("Largest header of a client's request"),
  drainTimeoutMs: milliseconds()
    .default(10_000)
    .describe('How long running requests may take to end after SIGTERM (milliseconds)'),
})

const http = z.strictObject({
  targetedFields: z
    .array(fieldName())
    .default(['Strata-Cache-Control', 'CDN-Cache-Control'])
    .describe('RFC 9213 targeted fields; the first valid one wins over Cache-Control and Expires'),
  tagFields: z
    .array(fieldName())
    .default(['cache-tag', 'surrogate-key', 'xkey', 'cache-groups'])
    .describe('Response fields that hold tags'),
  exposeTags: z.boolean().default(false).describe('Leave the tag fields in answers to clients'),
  heuristicFraction: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('RFC 9111 §4.2.2: freshness as a part of the time since Last-Modified; 0: none'),
  heuristicMax: seconds().default(86_400).describe('… and at most this (seconds)'),
  storeWithoutFreshness: z
    .boolean()
    .default(true)
    .describe('Also store what carries no freshness, for revalidation'),
  keep: seconds()
    .default(3600)
    .describe('How long a stale entry stays for revalidation after all its windows are over (seconds)'),
  cacheName: fieldName().default('strata').describe('Name of this cache in Cache-Status (RFC 9211)'),
  exposeKey: z.boolean().default(false).describe('Say the key in Cache-Status'),
})

const limits = z.strictObject({
  maxBodyBytes: bytes()
    .default(5 * GiB)
    .describe('Largest body that is stored'),
  maxStoreBytes: bytes({ min: 1 })
    .default(10 * GiB)
    .describe('Size of the store at which the least recently used entries go, down to 80 %'),
  maxStoreEntries: count({ min: 1 })
    .default(10_000_000)
    .describe('Entries in the store at which the least recently used go, down to 80 %'),
  smallBodyBytes: bytes({ max: 16 * MiB })
    .default(256 * 1024)
    .describe('Bodies up to this size are digested with SHA-256 and stored once when equal'),
  flightBufferBytes: bytes()
    .default(MiB)
    .describe('What a flight keeps so that late followers can join from the start'),
  streamWindowBytes: bytes({ min: 16 * 1024 })
    .default(MiB)
    .describe('How far the origin may run ahead of the slowest reader'),
  maxVariants: count({ min: 1, max: 4096 }).default(64).describe('Variants (Vary) of one key'),
  maxTags: count({ max: 4096 }).default(128).describe('Tags of one entry'),
  maxUrlLength: count({ min: 256, max: 65_536 })
    .default(8192)
    .describe('Longest request target, in characters'),
  followerWaitMs: milliseconds()
    .default(30_000)
    .describe("How long a follower waits for a flight's first byte (milliseconds)"),
  hitForMissMs: milliseconds()
    .default(120_000)
    .describe('How long a key that turned out uncacheable is remembered as such (milliseconds)'),
  hitForMissEntries: count().default(10_000).describe('… and how many such keys'),
  maxBackground: count({ min: 1 }).default(64).describe('Background revalidations at once'),
  maxMarks: count({ min: 16 })
    .default(1024)
    .describe('Invalidation marks (patterns, prefixes) that may be live at once'),
})

const memory = z.strictObject({
  maxBytes: bytes()
    .default(256 * MiB)
    .describe('Size of the memory tier; 0 switches it off'),
  maxEntries: count({ min: 1 }).default(200_000).describe('Entries in the memory tier'),
  maxBodyBytes: bytes().default(MiB).describe('Larger bodies stay out of the memory tier'),
})

const sweep = z.strictObject({
  intervalMs: milliseconds()
    .default(60_000)
    .describe('Pause between sweeps (milliseconds; 0: only when asked)'),
  batch: count({ min: 1, max: 10_000 }).default(500).describe('Entries per step of a sweep'),
  bodyGraceMs: milliseconds()
    .default(60_000)
    .describe('How long a body stays after its last entry has gone, for its readers (milliseconds)'),
})

const tiers = z.strictObject({
  timeoutMs: milliseconds({ min: 1 })
    .default(150)
    .describe("Longest wait for a store's answer on the way to a client (milliseconds)"),
  breakerFailures: count({ min: 1 })
    .default(5)
    .describe('Failures in a row after which a store is left alone'),
  breakerResetMs: milliseconds({ min: 1 })
    .default(2000)
    .describe('… and for how long, before it is tried again (milliseconds)'),
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
  redis: redis.prefault({}),
  s3: s3.prefault({}),
  admin: admin.prefault({}),
  proxy: proxy.prefault({}),
  server: server.prefault({}),
  log: log.prefault({}),
  rules: z
    .array(ruleSchema)
    .max(1000)
    .default([])
    .describe('Rules for path globs, the first that matches applies'),
  defaults: defaultsSchema.prefault({}),
  http: http.prefault({}),
  limits: limits.prefault({}),
  memory: memory.prefault({}),
  sweep: sweep.prefault({}),
  tiers: tiers.prefault({}),
})

type DeepReadonly<T> = T extends (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T

/** All settings, checked, with every default filled in. */
export type StrataConfig = DeepReadonly<z.output<typeof configSchema>>

/** Settings as people write them, in a file or in code: everything is optional. */
export type StrataOptions = DeepReadonly<z.input<typeof configSchema>>
