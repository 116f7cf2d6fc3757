import type { StatsSnapshot } from '../stats.js'
import type { LayerStats, ZoomStats } from '../tile-stats.js'

/** What one process adds to what is told of all that serve at one address (`workers`). */
export interface Share {
  readonly stats: StatsSnapshot
  /** Requests that its bodies have taken, by operation; null where they are not counted. */
  readonly bodyRequests: Readonly<Record<string, number>> | null
  readonly layers: readonly LayerStats[]
  /** Its memory tier; null without one. */
  readonly memory: { readonly keys: number; readonly bytes: number } | null
}

/** All shares as one: as if one process had done all of it. At least one. */
export function together(shares: readonly Share[]): Share {
  const bodyRequests = shares.map(share => share.bodyRequests).filter(counts => counts !== null)
  const memory = shares.map(share => share.memory).filter(usage => usage !== null)
  return {
    stats: statsTogether(shares.map(share => share.stats)),
    bodyRequests: bodyRequests.length === 0 ? null : sums(bodyRequests),
    layers: layersTogether(shares.flatMap(share => share.layers)),
    memory: memory.length === 0 ? null : (sums(memory) as { keys: number; bytes: number }),
  }
}

function statsTogether(all: readonly StatsSnapshot[]): StatsSnapshot {
  const counted = sums(all) as unknown as StatsSnapshot
  const cached = counted.hits + counted.stale + counted.revalidated
  const asked = cached + counted.misses
  return {
    ...counted,
    hitRatio: asked === 0 ? 0 : cached / asked,
    startedAt: all.map(stats => stats.startedAt).sort()[0]!,
    uptimeSeconds: Math.max(...all.map(stats => stats.uptimeSeconds)),
  }
}

function layersTogether(layers: readonly LayerStats[]): LayerStats[] {
  return [...groups(layers, ({ layer }) => layer)].map(([layer, same]) => {
    const zooms = groups(
      same.flatMap(one => one.zooms),
      ({ zoom }) => zoom,
    )
    const byZoom = [...zooms].map(([zoom, of]) => ({ ...(sums(of) as unknown as ZoomStats), zoom }))
    const own = sums(same) as unknown as LayerStats
    return { ...own, layer, zooms: byZoom.sort((a, b) => a.zoom - b.zoom) }
  })
}

function groups<K, V>(all: readonly V[], of: (value: V) => K): Map<K, V[]> {
  const out = new Map<K, V[]>()
  for (const value of all) out.set(of(value), [...(out.get(of(value)) ?? []), value])
  return out
}

/** Each number is the sum of all under its name; what is no number is left out. */
function sums(all: readonly object[]): Record<string, number> {
  const out: Record<string, number> = {}
  for (const one of all)
    for (const [name, value] of Object.entries(one))
      if (typeof value === 'number') out[name] = (out[name] ?? 0) + value
  return out
}
