import { messageOf, StrataError } from '../errors.js'
import type { Clock } from './clock.js'
import type { Fence } from './fence/fence.js'
import { newMark, type Mark } from './fence/mark.js'
import { FaultyRequest } from './fence/mark-faults.js'
import { viewOfJob, type JobKind, type JobOptions, type JobView } from './jobs/job.js'
import type { Jobs } from './jobs/jobs.js'
import type { JobBook } from './jobs/lanes.js'
import { dryRun, type DryRun } from './operator/dry-run.js'
import { detailOf, isoTime, viewOf, type EntryDetail, type EntryView } from './operator/entry-view.js'
import { planInvalidation, type InvalidateRequest } from './operator/invalidate-plan.js'
import { findEntries, type KeysQuery } from './operator/listing.js'
import { bodyRequests, type BodyRequests } from './operator/body-requests.js'
import { together, type Share } from './operator/share.js'
import { tierHealth, within, type TierHealth } from './operator/tier-health.js'
import { withoutPorts } from './operator/without-port.js'
import type { BodyStore, Entry, FenceState, MetadataStore, TileCriterion, Usage } from './ports/index.js'
import type { LimitSettings } from './settings.js'
import type { Stats, StatsSnapshot } from './stats.js'
import type { LayerStats } from './tile-stats.js'
import type { SweepProgress } from './sweep/pass.js'
import type { Collector } from './sweep/counts.js'
import type { Sweeper } from './sweep/sweeper.js'
import type { Timers } from './timers.js'

export type { InvalidateRequest } from './operator/invalidate-plan.js'
export type { KeysQuery } from './operator/listing.js'
export type { EntryDetail, EntryView } from './operator/entry-view.js'

export interface OperatorParts {
  readonly metadata: MetadataStore
  readonly bodies: BodyStore
  readonly fence: Fence
  readonly sweeper: Sweeper
  readonly jobs: Jobs
  /** These and those of other lists; without it, there are no others. */
  readonly jobBook?: JobBook
  readonly stats: Stats
  readonly clock: Clock
  readonly timers: Timers
  readonly limits: Pick<LimitSettings, 'maxMarks'>
  /** Name of the backend (`embedded`, `s3-redis`, …), and of the namespace in it. */
  readonly backend: string
  readonly namespace: string
  /** Until when the entry is fresh (rule and response fields say so), ms since the epoch. */
  readonly freshUntil: (entry: Entry) => number
  /** Requests that the bodies' store has taken so far, by operation, where each costs money. */
  readonly bodyRequests?: () => Readonly<Record<string, number>>
  /** What the other processes that serve at the same address tell of themselves. Never rejects. */
  readonly siblings?: () => Promise<readonly Share[]>
  readonly memory?: () => { readonly keys: number; readonly bytes: number }
  /**
   * Waits until an invalidation holds on all other nodes too (their leases). Returns those of which that is not certain.
   * Without it, this node and the store are all there is.
   */
  readonly settle?: (fence: FenceState) => Promise<readonly string[]>
  /** URLs that rules turn this one into. */
  readonly effectiveUrls?: (url: string) => readonly string[]
  /** Entries' URLs name no port: then what an operator names need not either. */
  readonly portless?: boolean
  /** Fetches again what an invalidation hits; undefined while that is switched off. */
  readonly refresher?: () => Collector | undefined
  /** Longest wait for the count of an invalidation, ms. */
  readonly waitMs?: number
}

export interface Invalidation {
  /** Its place in the order of invalidations. */
  readonly seq: number
  /** It holds on every node: nothing fetched before is served any more. */
  readonly effective: boolean
  /** Entries hit; with `sweeping`, so far. */
  readonly matched: number
  readonly sweeping: boolean
  /** Nodes that may still serve from memory. */
  readonly pending: readonly string[]
  readonly soft: boolean
  /** The sweep that removes what was hit. */
  readonly job: string
}

export interface Statistics extends StatsSnapshot {
  /** Requests to the bodies' store, where each costs money; else null. */
  readonly bodyRequests: BodyRequests | null
  readonly entries: number | null
  /** Distinct bodies of these entries: equal small ones are stored once. */
  readonly bodies: number | null
  /** Bytes that are not stored because of that. */
  readonly bytesSaved: number | null
  readonly layers: readonly LayerStats[]
}

export interface Status {
  readonly backend: string
  readonly namespace: string
  readonly tiers: {
    readonly metadata: TierHealth
    readonly bodies: TierHealth
    readonly memory: { readonly keys: number; readonly bytes: number } | null
  }
  /** Null (as all below that comes from the store) when it cannot say. */
  readonly entries: number | null
  /** Bytes of distinct bodies; and of all entries' bodies, as if none were shared. */
  readonly bytes: number | null
  readonly entryBytes: number | null
  readonly bodies: number | null
  readonly oldest: string | null
  readonly newest: string | null
  readonly hits: number
  readonly misses: number
  readonly hitRatio: number
  readonly uptimeSeconds: number
  readonly fence: { readonly epoch: string; readonly seq: number; readonly marks: number }
  readonly sweep: SweepProgress | null
}

const WAIT_MS = 2000
const HEALTH_MS = 1000
const DRY_RUN_MS = 10_000
const MARKS_AT_ONCE = 1000

/** What an operator can see of the cache, and do to it. Knows no HTTP. */
export class Operator {
  constructor(private readonly parts: OperatorParts) {}

  /** Never rejects: what cannot be reached is said to be so. */
  async status(): Promise<Status> {
    const { parts } = this
    const [metadata, bodies, usage] = await Promise.all([
      tierHealth(parts.metadata, parts, HEALTH_MS),
      tierHealth(parts.bodies, parts, HEALTH_MS),
      this.#usage(),
    ])
    const { stats, memory } = await this.#shares()
    const { hits, misses, hitRatio, uptimeSeconds } = stats
    return {
      backend: parts.backend,
      namespace: parts.namespace,
      tiers: { metadata, bodies, memory },
      entries: usage?.entries ?? null,
      bytes: usage?.bodyBytes ?? null,
      entryBytes: usage?.entryBytes ?? null,
      bodies: usage?.bodies ?? null,
      oldest: usage?.oldest === undefined ? null : isoTime(usage.oldest),
      newest: usage?.newest === undefined ? null : isoTime(usage.newest),
      hits,
      misses,
      hitRatio,
      uptimeSeconds,
      fence: { ...parts.fence.state(), marks: parts.fence.marks().length },
      sweep: parts.sweeper.progress() ?? null,
    }
  }

  /** Counters of this process. */
  stats(): StatsSnapshot {
    return this.parts.stats.snapshot(this.parts.clock.now())
  }

  /** What this process tells of itself to those that serve at the same address. */
  share(): Share {
    const { stats, bodyRequests, memory } = this.parts
    const layers = stats.tiles.snapshot()
    return { stats: this.stats(), bodyRequests: bodyRequests?.() ?? null, layers, memory: memory?.() ?? null }
  }

  async #shares(): Promise<Share> {
    return together([this.share(), ...((await this.parts.siblings?.()) ?? [])])
  }

  /** Counters of this process (with workers, of all), those of its map layers, and what the store holds (null when it cannot say). Never rejects. */
  async statistics(): Promise<Statistics> {
    const [usage, all] = await Promise.all([this.#usage(), this.#shares()])
    const { stats, bodyRequests: requests } = all
    const answered = { misses: stats.misses, hits: stats.hits + stats.stale + stats.revalidated }
    return {
      ...stats,
      bodyRequests: requests === null ? null : bodyRequests(requests, answered),
      entries: usage?.entries ?? null,
      bodies: usage?.bodies ?? null,
      bytesSaved: usage === undefined ? null : usage.entryBytes - usage.bodyBytes,
      layers: all.layers,
    }
  }

  /**
   * A page of live entries.
   * @throws FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_STORE_UNAVAILABLE
   */
  async keys(query: KeysQuery): Promise<{ keys: EntryView[]; cursor: string | null; scanned: number }> {
    const { metadata, fence, clock, freshUntil, portless } = this.parts
    const named = portless === true ? withoutPorts(query) : query
    const { items, cursor, scanned } = await available(findEntries(metadata, fence, named))
    const now = clock.now()
    const keys = items.map(({ entry, use, soft }) =>
      viewOf(entry, { use, soft, freshUntil: freshUntil(entry), now }),
    )
    return { keys, cursor: cursor ?? null, scanned }
  }

  /**
   * All live variants under a key.
   * @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE
   */
  async entry(key: string): Promise<{ key: string; url: string; variants: EntryDetail[] }> {
    const { metadata, fence, clock, freshUntil } = this.parts
    if (!isKey(key)) throw unknownKey(key)
    const { entries } = await available(Promise.resolve(fence.lookup(key)))
    const variants = await available(
      Promise.all(
        entries
          .map(entry => ({ entry, verdict: fence.verdict(entry) }))
          .filter(({ verdict }) => verdict !== 'dead')
          .map(async ({ entry, verdict }) => {
            const use = await metadata.use(entry.key, entry.variant)
            return detailOf(entry, {
              use,
              soft: verdict === 'soft',
              freshUntil: freshUntil(entry),
              now: clock.now(),
            })
          }),
      ),
    )
    const first = variants[0]
    if (first === undefined) throw unknownKey(key)
    return { key, url: first.url, variants }
  }

  /**
   * Purges one key with all its variants. The mark is set even when nothing is stored under it: a fill may be under way.
   * @throws StrataError STRATA_NOT_FOUND when nothing was stored; STRATA_STORE_UNAVAILABLE
   */
  async remove(key: string, options: { soft?: boolean } = {}): Promise<Invalidation> {
    if (!isKey(key)) throw unknownKey(key)
    const result = await this.#invalidate(this.#plan({ ...options, keys: [key] }), options.soft ?? false)
    if (result.matched === 0 && !result.sweeping) throw unknownKey(key)
    return result
  }

  /**
   * Invalidates: once this has resolved with `effective`, nothing fetched before is served any more (P1). Removal and counting
   * come after; the wait for them is bounded.
   * @throws FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_STORE_UNAVAILABLE when it is not certain that it holds.
   */
  async invalidate(request: InvalidateRequest): Promise<Invalidation | DryRun> {
    const marks = this.#plan(request)
    if (request.dryRun === true) return available(dryRun(this.parts, marks, DRY_RUN_MS))
    return this.#invalidate(marks, request.soft ?? false)
  }

  /**
   * The same for tiles of a map layer: criteria that `src/tiles/` has made of an area or a list.
   * @throws FaultyRequest (STRATA_BAD_REQUEST) when they are too many for the log; StrataError STRATA_STORE_UNAVAILABLE
   */
  async invalidateTiles(
    criteria: readonly TileCriterion[],
    { soft = false, dryRun: isDry = false }: { readonly soft?: boolean; readonly dryRun?: boolean },
  ): Promise<Invalidation | DryRun> {
    const at = this.parts.clock.now()
    const marks = criteria.map(tiles => newMark({ tiles }, { soft, at }))
    const most = Math.floor(this.parts.limits.maxMarks / 4)
    if (marks.length > most) {
      const message = `takes ${marks.length} marks in the log: at most ${most} fit at once, split the list (limits.maxMarks)`
      throw new FaultyRequest([{ path: 'tiles', message }])
    }
    return isDry ? available(dryRun(this.parts, marks, DRY_RUN_MS)) : this.#invalidate(marks, soft)
  }

  /** Asks for a sweep, waits for it a bounded time, and says how far it is. */
  sweep(): Promise<JobView> {
    return this.#job('sweep', {})
  }

  /** Makes metadata and bodies agree (see `reconcile`): asks for it as a job, waits a bounded time, and says how far it is. */
  reconcile(options: JobOptions = {}): Promise<JobView> {
    return this.#job('reconcile', options)
  }

  /** Background jobs of the namespace, the newest first. @throws StrataError STRATA_STORE_UNAVAILABLE */
  jobs(): Promise<JobView[]> {
    return available(this.#book.list())
  }

  /** @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE */
  job(id: string): Promise<JobView> {
    return available(this.#book.get(id))
  }

  /** Stops a job after its current batch. @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE */
  cancelJob(id: string): Promise<JobView> {
    return available(this.#book.cancel(id))
  }

  /** Stops a job for a while. @throws StrataError STRATA_NOT_FOUND, STRATA_BAD_REQUEST, STRATA_STORE_UNAVAILABLE */
  pauseJob(id: string): Promise<JobView> {
    return available(this.#book.pause(id))
  }

  /** Goes on with one that was paused or has failed. @throws as `pauseJob` */
  resumeJob(id: string): Promise<JobView> {
    return available(this.#book.resume(id))
  }

  get #book(): JobBook {
    return this.parts.jobBook ?? this.parts.jobs
  }

  async #job(kind: JobKind, options: JobOptions): Promise<JobView> {
    const { jobs, timers, waitMs = WAIT_MS } = this.parts
    const { id, ended } = jobs.request(kind, 'asked', options)
    let cancel: (() => void) | undefined
    const late = new Promise<undefined>(resolve => {
      cancel = timers.after(waitMs, () => resolve(undefined))
    })
    const job = await Promise.race([ended, late])
    cancel?.()
    return job === undefined ? this.job(id) : viewOfJob(job)
  }

  #plan(request: InvalidateRequest): Mark[] {
    const { clock, limits, effectiveUrls, portless } = this.parts
    // More at once than half of the log would push each other out of it.
    const maxMarks = Math.min(MARKS_AT_ONCE, Math.floor(limits.maxMarks / 2))
    return planInvalidation(portless === true ? withoutPorts(request) : request, {
      now: clock.now(),
      maxMarks,
      effectiveUrls,
    })
  }

  async #invalidate(marks: readonly Mark[], soft: boolean): Promise<Invalidation> {
    const { fence, sweeper, jobs, stats, settle, waitMs = WAIT_MS } = this.parts
    const counted = sweeper.expect()
    try {
      // Dead first, counted later.
      const state = await available(fence.invalidate(marks))
      stats.invalidations++
      let job = ''
      const ask = () => {
        job = jobs.request('sweep', 'invalidation').id
      }
      const [count, pending] = await Promise.all([
        sweeper.count(state.seq, waitMs, ask, this.parts.refresher?.()),
        available(Promise.resolve(settle?.(state) ?? [])),
      ])
      return { seq: state.seq, effective: pending.length === 0, ...count, pending, soft, job }
    } finally {
      counted()
    }
  }

  async #usage(): Promise<Usage | undefined> {
    try {
      return await within(this.parts.metadata.usage(), this.parts.timers, HEALTH_MS)
    } catch {
      // The tier's health says why.
      return undefined
    }
  }
}

/** Whatever a store fails with is one thing to an operator: it is not available, and nothing is promised. */
async function available<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (cause instanceof StrataError) throw cause
    throw new StrataError('STRATA_STORE_UNAVAILABLE', `the store failed: ${messageOf(cause)}`, { cause })
  }
}

function isKey(key: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(key)
}

function unknownKey(key: string): StrataError {
  return new StrataError(
    'STRATA_NOT_FOUND',
    `nothing is stored under the key ${JSON.stringify(key.slice(0, 64))}`,
  )
}
