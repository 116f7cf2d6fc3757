import { AnswerFields } from '../engine/answer-fields.js'
import { Pieces } from '../engine/body/pieces.js'
import { systemClock } from '../engine/clock.js'
import { Fence } from '../engine/fence/fence.js'
import { LearntVariances } from '../engine/learnt-variances.js'
import { Lease } from '../engine/lease.js'
import { MemoryTier } from '../engine/memory-tier.js'
import { OwedInvalidations } from '../engine/owed-invalidations.js'
import type { Parts } from '../engine/parts.js'
import { PendingBytes } from '../engine/pending.js'
import { isInline, type TileBook } from '../engine/ports/index.js'
import { RecentUses } from '../engine/recent-uses.js'
import { Stats } from '../engine/stats.js'
import { StoreRoom } from '../engine/store-room.js'
import { AccessLog } from '../engine/sweep/access-log.js'
import { systemTimers } from '../engine/timers.js'
import { messageOf } from '../errors.js'
import type { Stores } from './stores.js'

/** What calls for a sweep. */
export interface SweepCauses {
  /** The log of marks has grown. */
  readonly onMarks: () => void
  /** The store is over its limits. */
  readonly onOver: () => void
}

/** What a journey works with, on these stores. */
export function buildParts(
  stores: Stores,
  settings: Parts['settings'],
  tiles: TileBook,
  warn: Parts['events']['warn'],
  { onMarks, onOver }: SweepCauses,
): Parts {
  const memory = new MemoryTier(settings.memory, settings.limits.maxVariants)
  const fence = new Fence(stores.metadata, {
    maxMarks: settings.limits.maxMarks,
    onReset: () => memory.clear(),
    onMarks,
    onRaised: state => lease.tell(state),
    tiles,
  })
  const lease: Lease = new Lease({
    metadata: stores.metadata,
    fence,
    clock: systemClock,
    timers: systemTimers,
    ...settings.tiers,
    nodes: stores.nodes,
  })
  return {
    settings,
    tiles,
    clock: systemClock,
    metadata: stores.metadata,
    bodies: stores.bodies,
    pieces: new Pieces(settings.memory.maxBytes === 0 ? 0 : settings.memory.maxPieceBytes),
    smallBodies: {
      get: id => (isInline(id) ? stores.metadata.inlineBody(id) : stores.bodies.get(id)),
    },
    fence,
    lease,
    locks: stores.locks,
    memory,
    variances: new LearntVariances(),
    answers: new AnswerFields(settings.http),
    owed: new OwedInvalidations(fence, systemTimers, { warn }),
    pending: new PendingBytes(settings.limits.maxPendingBytes),
    uses: new RecentUses(settings.limits.minUses),
    room: new StoreRoom({
      metadata: stores.metadata,
      limits: settings.limits,
      clock: systemClock,
      onOver,
      events: { warn },
    }),
    stats: new Stats(),
    accessLog: new AccessLog(stores.metadata, {
      timers: systemTimers,
      onError: error => warn('access-log-failed', { error: messageOf(error) }),
    }),
    events: { warn },
  }
}
