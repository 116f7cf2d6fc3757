/**
 * What the engine can be told. Durations are seconds, sizes are bytes, unless a name says otherwise. `src/config/` makes these
 * from files, environment and flags, checks them and fills in the defaults; the engine takes them as they are.
 */

/** How the query of a URL takes part in the key, and so in what the origin receives (P4: the two are the same). */
export interface QuerySettings {
  /** Parameters (globs over the name, as it stands in the URL) that are dropped. */
  readonly ignore?: readonly string[]
  /** When given, only these parameters stay (globs). */
  readonly allow?: readonly string[]
  /** Sort parameters by name; those of one name keep their order. */
  readonly sort?: boolean
}

/** What holds for some zooms of a layer in place of the rule's own. */
export interface ZoomTtlSettings {
  /** First and last zoom, both included. */
  readonly zoom: readonly [number, number]
  /** s */
  readonly ttl?: number
  readonly overrideTtl?: number
}

/** Makes a rule's URLs tiles of a map layer. */
export interface LayerSettings {
  /** May hold places of the template: `{layer}`. Without it: what `{layer}` stands for. */
  readonly name?: string
  /** URL templates, see `Template`: path, and query where the tile is said there. */
  readonly template: string | readonly string[]
  /** Ids of tile matrix sets; the first is meant where the URL names none. */
  readonly matrixSet?: string | readonly string[]
  /** Zoom in the URL less the zoom of the matrix set. */
  readonly zoomOffset?: number
  /** Zooms of the matrix set at which there are tiles, both included. */
  readonly minZoom?: number
  readonly maxZoom?: number
  /** West, south, east, north in degrees: where there are tiles. */
  readonly extent?: readonly [number, number, number, number]
  /** A tile outside of zooms or extent: ask the origin as for any other, or answer 404. */
  readonly outside?: 'origin' | 'not-found'
  /** The first that has the tile's zoom applies. */
  readonly zoomTtl?: readonly ZoomTtlSettings[]
  /** Part of a rule's freshness by which it may be shorter, by chance, so that what was seeded together does not expire together; 0 to 1. */
  readonly ttlJitter?: number
  /** Freshness of 204 and 404 when the origin gives none, s. Goes before `overrideTtl`. */
  readonly negativeTtl?: number
  /** Access-Control-Allow-Origin of every answer, in place of what the origin says. */
  readonly cors?: string
}

/** Tile matrix sets beside the well-known ones (OGC Two Dimensional Tile Matrix Set 2.0, JSON), as they were given. */
export interface TileSettings {
  readonly matrixSets: readonly unknown[]
}

/** Operator's settings for a path glob. The first rule that matches applies, on top of `defaults`. */
export interface RuleSettings {
  /** Globs over the path, at least one must match, e.g. `/tiles/**`. */
  readonly match: string | readonly string[]
  /** Freshness when the origin gives none (no max-age, s-maxage, Expires), s. */
  readonly ttl?: number
  /** Freshness in place of what the origin gives; never makes storable what `private`, `no-store` or credentials forbid, s. */
  readonly overrideTtl?: number
  /** Freshness per status (`404`, `5xx`) when the origin gives none, s. */
  readonly statusTtl?: Readonly<Record<string, number>>
  /** RFC 5861 windows when the response names none, s. */
  readonly staleWhileRevalidate?: number
  readonly staleIfError?: number
  readonly query?: QuerySettings
  /** Take the responses' No-Vary-Search into account: what it says not to matter makes no second entry. */
  readonly noVarySearch?: boolean
  /** Request fields whose values are part of the key. */
  readonly keyHeaders?: readonly string[]
  /** Cookies whose values are part of the key; with it, only these are forwarded. */
  readonly keyCookies?: readonly string[]
  /** `bypass`: a request with Cookie goes to the origin and is not stored. `strip`: Cookie is dropped. `forward`: as RFC 9111 has it (Vary alone decides). */
  readonly cookies?: 'bypass' | 'strip' | 'forward'
  /** `refuse`: a response with Set-Cookie is not stored. `strip`: stored and answered without it. `store`: as RFC 9111 has it. */
  readonly setCookie?: 'refuse' | 'strip' | 'store'
  /**
   * Request fields that are no part of the key and may hold anything (`X-Api-Key`, an odd `User-Agent`): `vary`: what comes of such a
   * request is for requests with the same values alone. `drop`: the origin does not see them. `forward`: as RFC 9111 has it (Vary
   * alone decides).
   */
  readonly unkeyedFields?: 'vary' | 'drop' | 'forward'
  /** Straight to the origin, nothing stored. */
  readonly bypass?: boolean
  /** Tags for every entry of the rule; `{n}` stands for what the n-th wildcard of the matching glob took: `collection:{1}`. */
  readonly tags?: readonly string[]
  /** Most tags of one entry; never more than `limits.maxTags`. With more, the response is not stored. */
  readonly maxTags?: number
  /** Larger bodies pass through and are not stored. */
  readonly maxBodyBytes?: number
  /** Media types (globs, e.g. `image/*`) that may be stored; others pass through. */
  readonly contentTypes?: readonly string[]
  /** Its URLs are tiles. */
  readonly layer?: LayerSettings
  /** One origin request at a time for a key. */
  readonly coalesce?: boolean
  /** … among all nodes that share a store, too. */
  readonly coalesceAcrossNodes?: boolean
  /** Take request `Cache-Control` and `Pragma` into account: `no-cache`, `no-store`, `max-age`, `min-fresh`, `max-stale`, `only-if-cached`. */
  readonly requestDirectives?: 'honour' | 'only-if-cached' | 'ignore'
}

/** A rule with every default filled in. */
export type RuleDefaults = Omit<RuleSettings, 'match' | 'layer'>

export interface HttpSettings {
  /** RFC 9213 targeted fields, the first that is valid and not empty wins over Cache-Control and Expires. */
  readonly targetedFields: readonly string[]
  /**
   * Name under which this cache says to origins that it takes Surrogate-Control (Surrogate-Capability). That field goes before all
   * targeted ones then, and is taken off towards clients. Undefined: it is a field like any other.
   */
  readonly surrogateDevice?: string
  /** Response fields with tags; they are taken off towards clients. */
  readonly tagFields: readonly string[]
  /** Keep the tag fields in answers. */
  readonly exposeTags: boolean
  /** Request fields that the origin does not get when its answer may be stored, unless a rule's key has them. */
  readonly ignoredFields: readonly string[]
  /** Request fields that go to the origin though no key has them, whatever they hold: only such as never change an answer. */
  readonly sharedFields: readonly string[]
  /** What to do with a response in a content coding that its client's Accept-Encoding rules out. */
  readonly unacceptedCoding: 'refuse' | 'pass'
  /** Statuses (`404`) and classes (`2xx`) that may be stored when they say how long they are fresh; `statusTtl` adds to them. */
  readonly storableStatuses: readonly string[]
  /** Those of them that may be stored without saying so. */
  readonly heuristicStatuses: readonly string[]
  /** RFC 9111 §4.2.2: heuristic freshness is this part of the time since Last-Modified (0 switches it off) … */
  readonly heuristicFraction: number
  /** … and at most this, s. */
  readonly heuristicMax: number
  /** Store responses that carry no freshness and no validator worth it as well (they serve revalidation only). */
  readonly storeWithoutFreshness: boolean
  /** How long a stale entry stays for revalidation after its freshness and its stale windows are over, s. */
  readonly keep: number
  /** Store a POST response with Content-Location of its own URL and explicit freshness for later GETs (RFC 9110 §9.3.3). */
  readonly storePost: boolean
  /** If-Modified-Since against a stored response without Last-Modified: compare with its Date, or take it for unmodified. */
  readonly withoutLastModified: 'date' | 'unmodified'
  /** Store bodies whose end is the connection's end: then a cut can't be told from the end. */
  readonly storeCloseDelimited: boolean
  /** Store a 206 whose Content-Range does not agree with its number of bytes. Only to pass tests that send such. */
  readonly inexactContentRange: boolean
  /** Cache-Status: name of this cache. */
  readonly cacheName: string
  /** Cache-Status: say the key. */
  readonly exposeKey: boolean
}

export interface LimitSettings {
  /** Largest body that is stored, bytes. */
  readonly maxBodyBytes: number
  /** Store size at which eviction starts (it goes down to 80 %), bytes of distinct bodies; and entries. */
  readonly maxStoreBytes: number
  readonly maxStoreEntries: number
  /** Bodies up to this size are held whole, digested with SHA-256 and shared when equal, bytes. */
  readonly smallBodyBytes: number
  /** Requests for a key, in memory of the newest 100,000 keys, from which on its answers are stored; 1: at once. */
  readonly minUses: number
  /** Bodies up to this size are kept with the metadata, bytes; 0: none. */
  readonly inlineBodyBytes: number
  /** Bytes that a flight keeps so that late followers can join from the start. */
  readonly flightBufferBytes: number
  /** How far the origin may run ahead of the slowest reader, bytes. */
  readonly streamWindowBytes: number
  readonly maxVariants: number
  readonly maxTags: number
  /** Most field lines of a response that is stored. */
  readonly maxFields: number
  readonly maxUrlLength: number
  /** How long a follower waits for the first byte, ms. */
  readonly followerWaitMs: number
  /** How long this node waits for what another one fetches, before it asks the origin itself, ms. */
  readonly remoteWaitMs: number
  /** How long an uncacheable key is remembered as such, ms; and how many keys. */
  readonly hitForMissMs: number
  readonly hitForMissEntries: number
  /** Small bodies held in memory by all running fills together, bytes; beyond it responses pass through unstored. */
  readonly maxPendingBytes: number
  /** How long one client may take nothing while others wait for the same stream, ms. */
  readonly stallMs: number
  /** How long a body that is being written is held in the ledger; renewed as it goes on, ms. */
  readonly reservationMs: number
  /** Background revalidations at once. */
  readonly maxBackground: number
  /** Invalidation marks that may be live at once. */
  readonly maxMarks: number
}

export interface MemorySettings {
  /** 0 switches the memory tier off. */
  readonly maxBytes: number
  readonly maxEntries: number
  /** Larger bodies stay out of memory. */
  readonly maxBodyBytes: number
  /** Pieces of such bodies that ranges were cut from, bytes; beside `maxBytes`. */
  readonly maxPieceBytes: number
}

export interface SweepSettings {
  /** Pause between sweeps, ms; 0: only when asked. */
  readonly intervalMs: number
  /** Entries per step. */
  readonly batch: number
  /** How long a body stays after its last entry has gone, for readers that are still at it, ms. */
  readonly bodyGraceMs: number
  /** Part of the time that a sweep may work: after each batch it pauses in proportion. 1: no pauses. */
  readonly pace: number
  /** The reconciler leaves bodies alone that are younger, ms. */
  readonly reconcileGraceMs: number
}

/** After a purge the hottest of what it hit is fetched again, in the background (proxy only). */
export interface RefreshSettings {
  /** Most requests to the origin in a second; 0 switches it off. Fewer while the origin fails or gets slow. */
  readonly rate: number
  /** Most requests at once. */
  readonly concurrency: number
  /** Most entries of one purge. */
  readonly maxEntries: number
}

/** What jobs of warming do where they are not told. */
export interface WarmSettings {
  /** Requests to the origin at once. */
  readonly concurrency: number
  /** … in a second; 0: no limit. */
  readonly rate: number
  readonly bytesPerSecond: number
  readonly retries: number
  /** Items of a job that nobody has to confirm. */
  readonly maxTiles: number
  /** Items between two checkpoints at most. */
  readonly batch: number
  /** Scheme and authority under which clients ask. */
  readonly site?: string
}

export interface TierSettings {
  /** Longest wait for a store's answer on the way to a client, ms. */
  readonly timeoutMs: number
  /** Failures in a row that open the breaker, and how long it stays open, ms. */
  readonly breakerFailures: number
  readonly breakerResetMs: number
  /** Remote stores: how long this node may answer from memory after it has last asked for invalidations, ms (P1). */
  readonly leaseMs: number
  /** Remote stores: how long an invalidation waits until all nodes know of it, ms (two leases); what is open then is told as pending. */
  readonly settleMs?: number
}

export interface EngineSettings {
  readonly rules: readonly RuleSettings[]
  readonly defaults: RuleDefaults
  readonly http: HttpSettings
  readonly limits: LimitSettings
  readonly memory: MemorySettings
  readonly sweep: SweepSettings
  readonly refreshAfterPurge: RefreshSettings
  readonly warm: WarmSettings
  readonly tiers: TierSettings
  readonly tiles: TileSettings
}
