import type { JobOptions, JobView } from './jobs/job.js'
import type { JobBook } from './jobs/lanes.js'
import { askJob } from './operator/ask-job.js'
import { available } from './operator/available.js'
import type { DryRun } from './operator/dry-run.js'
import { pageOfEntries, variantsUnder, type EntryPage, type EntryVariants } from './operator/entries.js'
import { invalidate, invalidateTiles, removeKey } from './operator/invalidation.js'
import type { Invalidation, TilesInvalidation } from './operator/invalidation.js'
import type { InvalidateRequest } from './operator/invalidate-plan.js'
import type { KeysQuery } from './operator/listing.js'
import type { OperatorParts } from './operator/parts.js'
import type { Share } from './operator/share.js'
import { shareOf, statisticsOf, statusOf, type Statistics, type Status } from './operator/status.js'
import type { TileCriterion } from './ports/index.js'
import type { StatsSnapshot } from './stats.js'

export type { InvalidateRequest } from './operator/invalidate-plan.js'
export type { Invalidation } from './operator/invalidation.js'
export type { KeysQuery } from './operator/listing.js'
export type { OperatorParts } from './operator/parts.js'
export type { Statistics, Status } from './operator/status.js'

/** What an operator can see of the cache, and do to it. Knows no HTTP. */
export class Operator {
  constructor(private readonly parts: OperatorParts) {}

  /** Never rejects: what cannot be reached is said to be so. */
  status(): Promise<Status> {
    return statusOf(this.parts)
  }

  /** Counters of this process. */
  stats(): StatsSnapshot {
    return this.parts.stats.snapshot(this.parts.clock.now())
  }

  /** What this process tells of itself to those that serve at the same address. */
  share(): Share {
    return shareOf(this.parts)
  }

  /** Counters of this process (with workers, of all), those of its map layers, and what the store holds (null when it cannot say). Never rejects. */
  statistics(): Promise<Statistics> {
    return statisticsOf(this.parts)
  }

  /**
   * A page of live entries.
   * @throws FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_STORE_UNAVAILABLE
   */
  keys(query: KeysQuery): Promise<EntryPage> {
    return pageOfEntries(this.parts, query)
  }

  /**
   * All live variants under a key.
   * @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE
   */
  entry(key: string): Promise<EntryVariants> {
    return variantsUnder(this.parts, key)
  }

  /**
   * Purges one key with all its variants. The mark is set even when nothing is stored under it: a fill may be under way.
   * @throws StrataError STRATA_NOT_FOUND when nothing was stored; STRATA_STORE_UNAVAILABLE
   */
  remove(key: string, options: { soft?: boolean } = {}): Promise<Invalidation> {
    return removeKey(this.parts, key, options)
  }

  /**
   * Invalidates: once this has resolved with `effective`, nothing fetched before is served any more (P1). Removal and counting
   * come after; the wait for them is bounded.
   * @throws FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_STORE_UNAVAILABLE when it is not certain that it holds.
   */
  invalidate(request: InvalidateRequest): Promise<Invalidation | DryRun> {
    return invalidate(this.parts, request)
  }

  /**
   * The same for tiles of a map layer: criteria that `src/tiles/` has made of an area or a list.
   * @throws FaultyRequest (STRATA_BAD_REQUEST) when they are too many for the log; StrataError STRATA_STORE_UNAVAILABLE
   */
  invalidateTiles(
    criteria: readonly TileCriterion[],
    options: TilesInvalidation,
  ): Promise<Invalidation | DryRun> {
    return invalidateTiles(this.parts, criteria, options)
  }

  /** Asks for a sweep, waits for it a bounded time, and says how far it is. */
  sweep(): Promise<JobView> {
    return askJob(this.parts, 'sweep', {})
  }

  /** Makes metadata and bodies agree (see `reconcile`): asks for it as a job, waits a bounded time, and says how far it is. */
  reconcile(options: JobOptions = {}): Promise<JobView> {
    return askJob(this.parts, 'reconcile', options)
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
}
