import type { Outcome } from './exchange.js'
import { COUNTER } from './result-counters.js'

/** What requests for tiles of one zoom of a layer came to, since the process started. */
export interface ZoomStats {
  readonly zoom: number
  readonly requests: number
  readonly hits: number
  readonly misses: number
  readonly stale: number
  readonly revalidated: number
  readonly bypass: number
  /** Bytes of content that went to clients. */
  readonly bytes: number
  /** Time that the origin took for those that it was asked for, to its head, ms. */
  readonly originMs: number
  /** Time that it had taken for what was answered from the cache, ms: what clients did not wait for. */
  readonly originMsSaved: number
}

export interface LayerStats extends Omit<ZoomStats, 'zoom'> {
  readonly layer: string
  readonly zooms: readonly ZoomStats[]
}

type Counters = { -readonly [Name in keyof Omit<ZoomStats, 'zoom'>]: number }

/** Layers that are told apart: a template with a place in its name makes as many as clients ask for. */
const MOST_LAYERS = 1000
const OTHERS = '(others)'

/** Counters by layer and zoom. */
export class TileStats {
  readonly #layers = new Map<string, Map<number, Counters>>()

  /** One request whose answer is out; nothing for those that were no tile's. */
  count({ tile, result, bytes, originMs, savedMs }: Outcome): void {
    if (tile === undefined || result === undefined) return
    const counters = this.#countersOf(tile.layer, tile.z)
    counters.requests++
    counters[COUNTER[result]]++
    counters.bytes += bytes
    counters.originMs += originMs ?? 0
    counters.originMsSaved += savedMs
  }

  snapshot(): LayerStats[] {
    return [...this.#layers].map(([layer, byZoom]) => {
      const zooms = [...byZoom]
        .map(([zoom, counters]) => ({ zoom, ...counters }))
        .sort((a, b) => a.zoom - b.zoom)
      const sum = none()
      for (const { zoom: _zoom, ...counters } of zooms)
        for (const name of Object.keys(sum) as (keyof Counters)[]) sum[name] += counters[name]
      return { layer, ...sum, zooms }
    })
  }

  #countersOf(layer: string, zoom: number): Counters {
    let name = layer
    let byZoom = this.#layers.get(name)
    if (byZoom === undefined) {
      if (this.#layers.size >= MOST_LAYERS) name = OTHERS
      byZoom = this.#layers.get(name)
      if (byZoom === undefined) this.#layers.set(name, (byZoom = new Map()))
    }
    let counters = byZoom.get(zoom)
    if (counters === undefined) byZoom.set(zoom, (counters = none()))
    return counters
  }
}

function none(): Counters {
  return {
    requests: 0,
    hits: 0,
    misses: 0,
    stale: 0,
    revalidated: 0,
    bypass: 0,
    bytes: 0,
    originMs: 0,
    originMsSaved: 0,
  }
}
