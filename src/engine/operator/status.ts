import type { Usage } from '../ports/index.js'
import type { StatsSnapshot } from '../stats.js'
import type { SweepProgress } from '../sweep/pass.js'
import type { LayerStats } from '../tile-stats.js'
import { bodyRequests, type BodyRequests } from './body-requests.js'
import { isoTime } from './entry-view.js'
import type { OperatorParts } from './parts.js'
import { together, type Share } from './share.js'
import { tierHealth, within, type TierHealth } from './tier-health.js'

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

const HEALTH_MS = 1000

/** How the cache is. Never rejects: what cannot be reached is said to be so. */
export async function statusOf(parts: OperatorParts): Promise<Status> {
  const [metadata, bodies, usage, { stats, memory }] = await Promise.all([
    tierHealth(parts.metadata, parts, HEALTH_MS),
    tierHealth(parts.bodies, parts, HEALTH_MS),
    usageOf(parts),
    sharesOf(parts),
  ])
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

/** What the cache has done, and what its store holds (null when it cannot say). Never rejects. */
export async function statisticsOf(parts: OperatorParts): Promise<Statistics> {
  const [usage, all] = await Promise.all([usageOf(parts), sharesOf(parts)])
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

/** What this process tells of itself to those that serve at the same address. */
export function shareOf({ stats, clock, bodyRequests, memory }: OperatorParts): Share {
  return {
    stats: stats.snapshot(clock.now()),
    bodyRequests: bodyRequests?.() ?? null,
    layers: stats.tiles.snapshot(),
    memory: memory?.() ?? null,
  }
}

async function sharesOf(parts: OperatorParts): Promise<Share> {
  return together([shareOf(parts), ...((await parts.siblings?.()) ?? [])])
}

async function usageOf({ metadata, timers }: OperatorParts): Promise<Usage | undefined> {
  try {
    return await within(metadata.usage(), timers, HEALTH_MS)
  } catch {
    // The tier's health says why.
    return undefined
  }
}
