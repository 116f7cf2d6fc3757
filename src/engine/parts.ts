import type { AnswerFields } from './answer-fields.js'
import type { Pieces } from './body/pieces.js'
import type { SmallBodies } from './body/read.js'
import type { Clock } from './clock.js'
import type { Fence } from './fence/fence.js'
import type { LearntVariances } from './learnt-variances.js'
import type { Lease } from './lease.js'
import type { MemoryTier } from './memory-tier.js'
import type { OwedInvalidations } from './owed-invalidations.js'
import type { PendingBytes } from './pending.js'
import type { BodyStore, FillLocks, MetadataStore, TileBook } from './ports/index.js'
import type { RecentUses } from './recent-uses.js'
import type { EngineSettings } from './settings.js'
import type { Stats } from './stats.js'
import type { StoreRoom } from './store-room.js'
import type { AccessLog } from './sweep/access-log.js'

/** What the steps of the journey work with. */
export interface Parts {
  readonly settings: EngineSettings
  readonly clock: Clock
  readonly metadata: MetadataStore
  readonly bodies: BodyStore
  /** Where small ones are read: with the metadata, or in `bodies`. */
  readonly smallBodies: SmallBodies
  /** Pieces of large bodies that are in memory. */
  readonly pieces: Pieces
  readonly fence: Fence
  readonly lease: Lease
  /** Stores that other nodes share: who fetches what. */
  readonly locks?: FillLocks
  readonly memory: MemoryTier
  readonly variances: LearntVariances
  readonly answers: AnswerFields
  readonly owed: OwedInvalidations
  readonly pending: PendingBytes
  readonly uses: RecentUses
  readonly room: StoreRoom
  readonly stats: Stats
  /** The map layers of the rules. */
  readonly tiles?: TileBook
  readonly accessLog: AccessLog
  readonly events: Events
}

/** What the engine tells the world beyond answers. */
export interface Events {
  /** Something failed that no client may have noticed: a fill, a sweep, a tier. `what` is a short stable name. */
  warn(what: string, details: Record<string, unknown>): void
}
