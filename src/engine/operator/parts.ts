import type { Clock } from '../clock.js'
import type { Fence } from '../fence/fence.js'
import type { Jobs } from '../jobs/jobs.js'
import type { JobBook } from '../jobs/lanes.js'
import type { BodyStore, Entry, FenceState, MetadataStore } from '../ports/index.js'
import type { LimitSettings } from '../settings.js'
import type { Stats } from '../stats.js'
import type { Collector } from '../sweep/counts.js'
import type { Sweeper } from '../sweep/sweeper.js'
import type { Timers } from '../timers.js'
import type { Share } from './share.js'

/** What an operator works on. */
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
