import { TileStats } from './tile-stats.js'

/** Counters of this process since it started: plain numbers, so that the hit path pays for an increment and no more. */
export class Stats {
  /** Answers by X-Cache's first word. */
  hits = 0
  misses = 0
  stale = 0
  revalidated = 0
  bypass = 0
  /** Answers that were errors of ours (502, 503, 504, …). */
  errors = 0
  /** Hits that the memory tier answered; the rest came from the stores. */
  memoryHits = 0
  /** Requests that joined another's flight. */
  followers = 0
  originRequests = 0
  originErrors = 0
  /** Responses stored, and those that should have been and could not be. */
  fills = 0
  fillFailures = 0
  /** Failures of a store on the way to a client: each was answered without it. */
  storeFailures = 0
  invalidations = 0
  /** Body bytes sent to clients, and received from the origin. */
  bytesServed = 0
  bytesFetched = 0

  readonly #startedAt: number
  readonly #tiles = new TileStats()

  /** @param startedAt ms since the epoch */
  constructor(startedAt = Date.now()) {
    this.#startedAt = startedAt
  }

  /** The same for tiles, by layer and zoom. */
  get tiles(): TileStats {
    return this.#tiles
  }

  snapshot(now = Date.now()): StatsSnapshot {
    const requests = this.hits + this.misses + this.stale + this.revalidated + this.bypass
    // What was answered without the origin's body, of all that the cache was asked for (a bypass asks it for nothing).
    const cached = this.hits + this.stale + this.revalidated
    const asked = cached + this.misses
    return {
      ...(Object.fromEntries(Object.entries(this)) as Counters),
      requests,
      hitRatio: asked === 0 ? 0 : cached / asked,
      startedAt: new Date(this.#startedAt).toISOString(),
      uptimeSeconds: Math.max(0, Math.floor((now - this.#startedAt) / 1000)),
    }
  }
}

type Counters = { [Name in keyof Stats as Stats[Name] extends number ? Name : never]: number }

export interface StatsSnapshot extends Counters {
  readonly requests: number
  /** 0 to 1: hits, stale and revalidated answers over these and misses. */
  readonly hitRatio: number
  readonly startedAt: string
  readonly uptimeSeconds: number
}
