import { z } from 'zod'
import type { EngineSettings } from '../engine/settings.js'
import { bytes, count, fieldName, milliseconds, originUrl, seconds, statusOrClass } from './kinds.js'
import { IGNORED_FIELDS } from './ignored-fields.js'

/** The sections that the engine takes as they are: their shapes are those of `src/engine/settings.ts`. */

const MiB = 1024 ** 2
const GiB = 1024 ** 3

export const httpSchema = z.strictObject({
  targetedFields: z
    .array(fieldName())
    .default(['Strata-Cache-Control', 'CDN-Cache-Control'])
    .describe('RFC 9213 targeted fields; the first valid one wins over Cache-Control and Expires'),
  surrogateDevice: fieldName()
    .optional()
    .describe(
      'Name in Surrogate-Capability towards origins: then their Surrogate-Control goes before all targeted fields and is taken off towards clients; unset: it is a field like any other',
    ),
  tagFields: z
    .array(fieldName())
    .default(['cache-tag', 'surrogate-key', 'xkey', 'cache-groups'])
    .describe('Response fields that hold tags'),
  exposeTags: z.boolean().default(false).describe('Leave the tag fields in answers to clients'),
  ignoredFields: z
    .array(fieldName())
    .default([...IGNORED_FIELDS])
    .describe(
      'Request fields that the origin does not get when its answer may be stored: they differ with every request or sender, and are no part of the key (unless keyHeaders names them)',
    ),
  sharedFields: z
    .array(fieldName())
    .default([])
    .describe(
      'Request fields that go to the origin without being part of the key, whatever they hold: only such as never change an answer',
    ),
  unacceptedCoding: z
    .enum(['refuse', 'pass'])
    .default('refuse')
    .describe("An answer in a content coding that the client's Accept-Encoding rules out: 502, or passed on"),
  storableStatuses: z
    .array(statusOrClass())
    .default(['2xx', '300', '301', '302', '303', '307', '308', '404', '410', '451'])
    .describe(
      'Statuses that may be stored when the response says how long it is fresh; statusTtl adds to them',
    ),
  heuristicStatuses: z
    .array(statusOrClass())
    .default(['2xx'])
    .describe('Those that may be stored without saying so (rule ttl, Last-Modified, for revalidation)'),
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
  storePost: z
    .boolean()
    .default(false)
    .describe(
      'RFC 9110 §9.3.3: keep a POST response with Content-Location of its own URL and freshness, for GET',
    ),
  withoutLastModified: z
    .enum(['date', 'unmodified'])
    .default('date')
    .describe(
      'If-Modified-Since when the stored response has no Last-Modified: compare with its Date, or take it for unmodified',
    ),
  storeCloseDelimited: z
    .boolean()
    .default(false)
    .describe('Store bodies that end with the connection: then a cut cannot be told from the end'),
  inexactContentRange: z
    .boolean()
    .default(false)
    .describe(
      'Store a 206 whose Content-Range disagrees with its number of bytes (for test suites that send such)',
    ),
  cacheName: fieldName().default('strata').describe('Name of this cache in Cache-Status (RFC 9211)'),
  exposeKey: z.boolean().default(false).describe('Say the key in Cache-Status'),
})

export const limitsSchema = z.strictObject({
  maxBodyBytes: bytes()
    .default(5 * GiB)
    .describe('Largest body that is stored'),
  maxStoreBytes: bytes({ min: 1 })
    .default(10 * GiB)
    .describe(
      'Size of the store at which the least recently used entries go, down to 80 %; a tenth above it nothing new is stored',
    ),
  maxStoreEntries: count({ min: 1 })
    .default(10_000_000)
    .describe(
      'Entries in the store at which the least recently used go, down to 80 %; a tenth above it nothing new is stored',
    ),
  smallBodyBytes: bytes({ max: 16 * MiB })
    .default(256 * 1024)
    .describe('Bodies up to this size are digested with SHA-256 and stored once when equal'),
  inlineBodyBytes: bytes({ max: MiB })
    .optional()
    .describe(
      'Bodies up to this size are kept with the metadata, in one step: no file, no S3 request (default: 16KiB on embedded and redis, 0 elsewhere)',
    ),
  minUses: count({ min: 1, max: 100 })
    .default(1)
    .describe(
      'Requests for a key from which on its answers are stored: 2 keeps what is asked for but once out of the stores',
    ),
  flightBufferBytes: bytes()
    .default(MiB)
    .describe('What a flight keeps so that late followers can join from the start'),
  streamWindowBytes: bytes({ min: 16 * 1024 })
    .default(MiB)
    .describe('How far the origin may run ahead of the slowest reader'),
  maxVariants: count({ min: 1, max: 4096 }).default(64).describe('Variants (Vary) of one key'),
  maxTags: count({ max: 4096 }).default(128).describe('Tags of one entry'),
  maxFields: count({ min: 16, max: 65_536 })
    .default(2048)
    .describe('Field lines of a response that is stored'),
  maxUrlLength: count({ min: 256, max: 65_536 })
    .default(8192)
    .describe('Longest request target, in characters'),
  followerWaitMs: milliseconds()
    .default(30_000)
    .describe(
      "How long a follower waits for a flight's first byte, or, come too late to join, for its end (milliseconds)",
    ),
  remoteWaitMs: milliseconds()
    .default(5000)
    .describe(
      'Redis: how long a node waits for what another node fetches, before it asks the origin itself (milliseconds)',
    ),
  hitForMissMs: milliseconds()
    .default(120_000)
    .describe('How long a key that turned out uncacheable is remembered as such (milliseconds)'),
  hitForMissEntries: count().default(10_000).describe('… and how many such keys'),
  maxPendingBytes: bytes({ min: 1 })
    .default(64 * MiB)
    .describe('Small bodies held in memory by all running fills together; beyond it responses pass unstored'),
  stallMs: milliseconds({ min: 1 })
    .default(10_000)
    .describe('How long one client may take nothing while others wait for the same stream (milliseconds)'),
  reservationMs: milliseconds({ min: 1000 })
    .default(60_000)
    .describe(
      'How long a body that is being written is kept from the sweep; renewed as it goes on (milliseconds)',
    ),
  maxBackground: count({ min: 1 }).default(64).describe('Background revalidations at once'),
  maxMarks: count({ min: 16 })
    .default(1024)
    .describe('Invalidation marks (patterns, prefixes) that may be live at once'),
})

export const memorySchema = z.strictObject({
  maxBytes: bytes()
    .default(256 * MiB)
    .describe('Size of the memory tier; 0 switches it off'),
  maxEntries: count({ min: 1 }).default(200_000).describe('Entries in the memory tier'),
  maxBodyBytes: bytes().default(MiB).describe('Larger bodies stay out of the memory tier'),
  maxPieceBytes: bytes()
    .default(64 * MiB)
    .describe(
      '… but for pieces of them that ranges were cut from, up to this size together, beside maxBytes',
    ),
})

export const sweepSchema = z.strictObject({
  intervalMs: milliseconds()
    .default(60_000)
    .describe('Pause between sweeps (milliseconds; 0: only when asked)'),
  batch: count({ min: 1, max: 10_000 }).default(500).describe('Entries per step of a sweep'),
  bodyGraceMs: milliseconds({ max: 45_000 })
    .default(30_000)
    .describe('How long a body stays after its last entry has gone, for its readers (milliseconds)'),
  pace: z
    .number()
    .min(0.01)
    .max(1)
    .default(0.5)
    .describe(
      'Part of the time that a sweep may work; it pauses in proportion after each batch; 1: no pauses',
    ),
  reconcileGraceMs: milliseconds()
    .default(3_600_000)
    .describe('The reconciler leaves bodies alone that are younger than this (milliseconds)'),
})

export const refreshSchema = z.strictObject({
  rate: z
    .number()
    .min(0)
    .max(10_000)
    .default(0)
    .describe(
      'After a purge the hottest of what it hit is fetched again: most requests to the origin in a second; 0: none (proxy only)',
    ),
  concurrency: count({ min: 1, max: 256 }).default(4).describe('… and most at once'),
  maxEntries: count({ min: 1, max: 100_000 }).default(1000).describe('… and most entries of one purge'),
})

export const warmSchema = z.strictObject({
  concurrency: count({ min: 1, max: 256 })
    .default(8)
    .describe('Warming (strata warm): most requests to the origin at once, where the job does not say'),
  rate: z.number().min(0).max(100_000).default(0).describe('… and most in a second; 0: as many as it bears'),
  bytesPerSecond: bytes().default(0).describe('… and most bytes in a second; 0: as many as come'),
  retries: count({ max: 10 }).default(3).describe('Times that what has failed is tried again'),
  maxTiles: count({ min: 1 })
    .default(1_000_000)
    .describe('Tiles or URLs of one job, beyond which it wants "confirm": true'),
  batch: count({ min: 1, max: 100_000 })
    .default(1000)
    .describe(
      'What may be fetched twice after a crash: how far a job goes on before its place is written down',
    ),
  site: originUrl()
    .optional()
    .describe(
      'Under what clients ask, e.g. https://maps.example; without it, what the request for the job came to',
    ),
})

export const tiersSchema = z.strictObject({
  timeoutMs: milliseconds({ min: 1 })
    .default(150)
    .describe("Longest wait for a store's answer on the way to a client (milliseconds)"),
  breakerFailures: count({ min: 1 })
    .default(5)
    .describe('Failures in a row after which a store is left alone'),
  breakerResetMs: milliseconds({ min: 1 })
    .default(2000)
    .describe('… and for how long, before it is tried again (milliseconds)'),
  leaseMs: milliseconds({ min: 50, max: 60_000 })
    .default(1000)
    .describe(
      'Redis: how long a node answers from memory after it last asked for invalidations; a purge waits as long for a node that is silent; the same on all nodes (milliseconds)',
    ),
  settleMs: milliseconds()
    .optional()
    .describe(
      'Redis: longest wait of a purge for other nodes, two leases by default; what is open then is told as pending, with 202 (milliseconds)',
    ),
})

/** A setting that the schema or the engine lacks does not compile. */
type Same<A, B> = [keyof A] extends [keyof B] ? ([keyof B] extends [keyof A] ? true : never) : never
const same: [
  Same<z.output<typeof httpSchema>, EngineSettings['http']>,
  Same<z.output<typeof limitsSchema>, EngineSettings['limits']>,
  Same<z.output<typeof memorySchema>, EngineSettings['memory']>,
  Same<z.output<typeof sweepSchema>, EngineSettings['sweep']>,
  Same<z.output<typeof tiersSchema>, EngineSettings['tiers']>,
  Same<z.output<typeof refreshSchema>, EngineSettings['refreshAfterPurge']>,
  Same<z.output<typeof warmSchema>, EngineSettings['warm']>,
] = [true, true, true, true, true, true, true]
void same
