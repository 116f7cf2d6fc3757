import { ArcCache } from './arc-cache.js'
import type { EntryCandidate } from './candidates.js'
import type { RenderedHead } from './exchange.js'
import type { ByteRange } from './ports/index.js'
import type { MemorySettings } from './settings.js'

/** An entry in memory, and what a hit needs ready-made. */
export interface Resident extends EntryCandidate {
  /** Undefined for a large one: it streams from the store, or from the pieces that are in memory. */
  readonly body: Buffer | undefined
  /** Seq of the fence's mirror when the entry was last found live: what it is held against from then on. */
  readonly checkedSeq: number
  /** The heads of the last answers, for as long as nothing in them has changed; undefined before the first. */
  rendering: Rendering | undefined
}

/** What the changing fields of an answer were, and the heads that they made. */
export interface Rendering {
  /** Fields that do not change with time. */
  readonly base: readonly string[]
  age: number
  ttl: number
  detail: string
  cacheStatus: string
  /** Of the answer with the whole body. */
  whole: RenderedHead | undefined
  /** Of the 304. */
  notModified: RenderedHead | undefined
  /** The last If-None-Match that the entry's tag was found in. */
  matched: string | undefined
  /** Of the last 206s, by the Range field. */
  parts: Map<string, RenderedPart> | undefined
}

export interface RenderedPart {
  readonly range: ByteRange
  readonly head: RenderedHead
}

// What an entry costs beyond its body and its texts. Measured by bench/memory: 1.1 KB of objects, strings and the map's own links, and
// 2.2 KB once it has answered a hit, with the heads that are kept for the next. The rest is what the allocator has of its own, and ghosts.
const OVERHEAD_BYTES = 2304

/** The nearest tier: metadata, with the bodies that are small, by key text, bounded in bytes and in keys. */
export class MemoryTier {
  readonly #groups: ArcCache<readonly Resident[]> | undefined

  constructor(
    private readonly settings: MemorySettings,
    private readonly maxVariants = Infinity,
  ) {
    if (settings.maxBytes > 0) this.#groups = new ArcCache(settings)
  }

  find(text: string): readonly Resident[] | undefined {
    return this.#groups?.get(text)
  }

  put(text: string, resident: Resident): void {
    const size = cost(text, resident)
    if (
      this.#groups === undefined ||
      !this.takes(resident.body?.length ?? 0) ||
      size > this.settings.maxBytes
    )
      return
    // Of two equal strings one is enough: most often the text is the URL.
    const name = text === resident.stored.url ? resident.stored.url : text
    const others = (this.#groups.peek(text) ?? []).filter(r => r.stored.variant !== resident.stored.variant)
    // Each hit looks through them, and clients decide how many there are: the newest stay.
    const variants = [...others, resident].slice(-this.maxVariants)
    this.#groups.set(
      name,
      variants,
      variants.reduce((sum, r) => sum + cost(text, r), 0),
    )
  }

  /** Whether a body of this size may be kept at all. */
  takes(bytes: number): boolean {
    return this.#groups !== undefined && bytes <= this.settings.maxBodyBytes
  }

  remove(text: string): void {
    this.#groups?.delete(text)
  }

  clear(): void {
    this.#groups?.clear()
  }

  usage(): { keys: number; bytes: number } {
    return { keys: this.#groups?.size ?? 0, bytes: this.#groups?.bytes ?? 0 }
  }
}

function cost(text: string, { stored, body }: Resident): number {
  return (
    (body?.length ?? 0) + 2 * (text.length + stored.url.length) + fieldsCost(stored.fields) + OVERHEAD_BYTES
  )
}

function fieldsCost(fields: readonly string[]): number {
  let sum = 0
  for (const text of fields) sum += text.length
  return sum * 2
}
