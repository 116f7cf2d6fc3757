import type { SweepStep, Swept, WalkPlace } from '../sweep/pass.js'
import { viewOfTally, type WarmTally, type WarmView } from '../warm/tally.js'
import type { WarmOptions } from '../warm/options.js'

export type JobKind = 'sweep' | 'reconcile' | 'warm'
/** `incomplete`: to its end, but not all of it could be done. */
export type JobState = 'queued' | 'running' | 'paused' | 'done' | 'incomplete' | 'failed' | 'cancelled'

/** Why there is a job. */
export type JobCause = 'asked' | 'invalidation' | 'interval' | 'log'

/** What a reconciler or a warmer is told. */
export interface JobOptions {
  /** Say what would go, and do nothing. */
  readonly dryRun?: boolean
  /** Bodies that are younger stay, ms. */
  readonly graceMs?: number
  /** Read a byte of every body, in place of believing the list. */
  readonly checkEach?: boolean
  /** Make entries again from bodies that have their metadata beside them. */
  readonly rebuild?: boolean
  /** What is to be warmed, and how. */
  readonly warm?: WarmOptions
}

/** A background job as the nodes of a namespace share it. Times are ms since the epoch. */
export interface Job {
  readonly id: string
  readonly kind: JobKind
  readonly cause: JobCause
  readonly state: JobState
  readonly options: JobOptions
  readonly createdAt: number
  readonly startedAt?: number
  readonly endedAt?: number
  readonly step?: SweepStep
  readonly examined: number
  readonly removed: number
  readonly bodies: number
  readonly bytes: number
  /** Entries made again. */
  readonly rebuilt?: number
  readonly total?: number
  readonly error?: string
  /** Who asked for it, then who runs it. */
  readonly node: string
  /** Raised as long as its node lives: one that stands still has lost its node. */
  readonly beat: number
  /** Times that another node went on with it. */
  readonly resumed: number
  /** It was asked to stop. */
  readonly cancelling: boolean
  /** It was asked to stop for a while. */
  readonly pausing?: boolean
  readonly place?: WalkPlace
  /** How far a warmer is. */
  readonly warm?: WarmTally
}

/** What the nodes share: the newest jobs last, and what is known to be swept. */
export interface JobList {
  readonly jobs: readonly Job[]
  readonly swept?: Swept
}

/** A job as an operator sees it. Times are ISO 8601. */
export interface JobView {
  readonly id: string
  readonly kind: JobKind
  readonly cause: JobCause
  readonly state: JobState
  readonly step: SweepStep | null
  readonly examined: number
  /** Entries removed (or, in a dry run, that would be). */
  readonly removed: number
  /** Bodies deleted. */
  readonly bodies: number
  readonly bytes: number
  /** Entries made again (or, in a dry run, that would be), where that was asked for. */
  readonly rebuilt?: number
  readonly total: number | null
  readonly createdAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly error: string | null
  readonly node: string
  readonly resumed: number
  readonly cancelling: boolean
  readonly pausing?: boolean
  readonly options: JobOptions
  readonly warm?: WarmView
}

export function viewOfJob(job: Job): JobView {
  const { id, kind, cause, state, examined, removed, bodies, bytes, node, resumed, cancelling, options } = job
  return {
    ...{ id, kind, cause, state },
    step: job.step ?? null,
    ...{ examined, removed, bodies, bytes },
    ...(job.rebuilt === undefined ? {} : { rebuilt: job.rebuilt }),
    total: job.total ?? null,
    createdAt: isoTime(job.createdAt)!,
    startedAt: isoTime(job.startedAt),
    endedAt: isoTime(job.endedAt),
    error: job.error ?? null,
    ...{ node, resumed, cancelling, options },
    ...(job.pausing === true ? { pausing: true } : {}),
    ...(job.warm === undefined ? {} : { warm: viewOfTally(job.warm) }),
  }
}

function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}
