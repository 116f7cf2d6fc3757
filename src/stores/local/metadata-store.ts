import type {
  CommitOptions,
  CommitResult,
  Entry,
  EntryHandle,
  EntryUse,
  FenceState,
  ListPage,
  Lookup,
  MarksPage,
  MetadataStore,
  Usage,
} from '../../engine/ports/index.js'
import { missingBody } from './body-id.js'
import { commit, removeEntries } from './commit.js'
import { raiseFence, readMarks, retire } from './fence.js'
import { forget, release, reserve, takeOrphans } from './ledger.js'
import { handles, listEntries, readUsage, readUse, touchEntries } from './listing.js'
import type { Codec, Tables } from './tables.js'

/** Steps run on the main thread: a long batch goes in parts, so that requests are answered in between (about 4 ms each). */
const REMOVES_PER_STEP = 64
const TOUCHES_PER_STEP = 256

/** How a store runs the steps: `read` on one snapshot that has every acknowledged write, `write` all or nothing. */
export interface Backend<T> {
  readonly name: string
  readonly tables: Tables<T>
  readonly codec: Codec<T>
  read<R>(step: () => R): R
  /** `mayWait`: nobody waits for it but the store's own upkeep, or who comes after its answer. */
  write<R>(step: () => R, mayWait?: boolean): Promise<R>
  /** The same number for as long as nobody but this store writes; undefined while another may. Without it, always undefined. */
  term?(): number | undefined
  /** Why nothing can be written any more. */
  fault?(): Error | undefined
  /** There is no room for more. */
  isCramped?(): boolean
  /** Resolves when all writes that have resolved outlive a loss of power. */
  flushed(): Promise<void>
  close(): Promise<void>
}

/** The metadata port over the tables of one machine. */
export class LocalMetadataStore<T> implements MetadataStore {
  readonly name: string
  readonly #backend: Backend<T>
  readonly #tables: Tables<T>
  readonly #codec: Codec<T>
  /** The fence as it was read, and while it was that of nobody else. */
  #peeked: { readonly fence: FenceState; readonly term: number } | undefined
  /** Invalidations of this store that are under way. */
  #raising = 0

  constructor(backend: Backend<T>) {
    this.name = backend.name
    this.#backend = backend
    this.#tables = backend.tables
    this.#codec = backend.codec
  }

  /** At once, without a promise. */
  lookup(key: string): Lookup {
    return this.#backend.read(() => {
      const { epoch, seq } = this.#tables.log.get()
      const entries: Entry[] = []
      for (const { variant, stored } of this.#tables.rows.get(key) ?? []) {
        const entry = this.#codec.open(key, variant, stored)
        if (entry !== undefined) entries.push(entry)
      }
      return { entries, fence: { epoch, seq } }
    })
  }

  peekFence(): FenceState {
    const term = this.#backend.term?.()
    const known = this.#peeked
    if (known !== undefined && known.term === term) return known.fence
    const { epoch, seq } = this.#backend.read(() => this.#tables.log.get())
    const fence = { epoch, seq }
    if (term !== undefined && this.#raising === 0) this.#peeked = { fence, term }
    return fence
  }

  commit(entry: Entry, options: CommitOptions): Promise<CommitResult> {
    return this.#backend.write(() => commit(this.#tables, this.#codec, entry, options, Date.now()), true)
  }

  /** At once, without a promise. */
  inlineBody(id: string): Buffer {
    const bytes = this.#backend.read(() => this.#tables.inline.get(id))
    if (bytes === undefined) throw missingBody(id)
    return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  async remove(names: readonly EntryHandle[]): Promise<number> {
    let removed = 0
    for (const part of parts(names, REMOVES_PER_STEP)) {
      removed += await this.#backend.write(() => removeEntries(this.#tables, part, Date.now()))
    }
    return removed
  }

  /** Waits for the disk: an invalidation that was acknowledged must not be undone by a loss of power (P1). */
  async invalidate(marks: readonly string[]): Promise<FenceState> {
    this.#raising++
    this.#peeked = undefined
    try {
      const fence = await this.#backend.write(() => raiseFence(this.#tables, marks))
      await this.#backend.flushed()
      return fence
    } finally {
      this.#raising--
    }
  }

  async marksAfter(seq: number, limit: number): Promise<MarksPage> {
    return this.#backend.read(() => readMarks(this.#tables, seq, limit))
  }

  retireMarks(upTo: number, fold: boolean): Promise<void> {
    return this.#backend.write(() => retire(this.#tables, upTo, fold))
  }

  async markCount(): Promise<number> {
    return this.#backend.read(() => this.#tables.log.get().markCount)
  }

  async list(limit: number, cursor?: string): Promise<ListPage> {
    return this.#backend.read(() => listEntries(this.#tables, this.#codec, limit, cursor))
  }

  async use(key: string, variant: string): Promise<EntryUse | undefined> {
    return this.#backend.read(() => readUse(this.#tables, key, variant))
  }

  async touch(uses: readonly { key: string; variant: string; hits: number; at: number }[]): Promise<void> {
    for (const part of parts(uses, TOUCHES_PER_STEP))
      await this.#backend.write(() => touchEntries(this.#tables, part), true)
  }

  async usage(): Promise<Usage> {
    const usage = this.#backend.read(() => readUsage(this.#tables))
    return this.#backend.isCramped?.() === true ? { ...usage, isCramped: true } : usage
  }

  async leastRecent(limit: number): Promise<readonly (EntryHandle & { readonly size: number })[]> {
    return this.#backend.read(() => handles(this.#tables, this.#tables.recent, limit))
  }

  async useless(now: number, limit: number): Promise<readonly EntryHandle[]> {
    return this.#backend.read(() => handles(this.#tables, this.#tables.useless, limit, now))
  }

  reserveBody(id: string, until: number): Promise<'present' | 'reserved' | 'busy'> {
    return this.#backend.write(() => reserve(this.#tables, id, until))
  }

  releaseBody(id: string): Promise<void> {
    return this.#backend.write(() => release(this.#tables, id, Date.now()))
  }

  orphans(now: number, limit: number): Promise<readonly string[]> {
    return this.#backend.write(() => takeOrphans(this.#tables, now, limit))
  }

  forget(ids: readonly string[]): Promise<void> {
    return this.#backend.write(() => forget(this.#tables, ids))
  }

  async unknownBodies(ids: readonly string[]): Promise<readonly string[]> {
    return this.#backend.read(() => ids.filter(id => this.#tables.bodies.get(id) === undefined))
  }

  async ping(): Promise<void> {
    this.#backend.read(() => this.#tables.log.get())
    const fault = this.#backend.fault?.()
    if (fault !== undefined) throw fault
  }

  close(): Promise<void> {
    return this.#backend.close()
  }
}

function* parts<V>(all: readonly V[], size: number): Iterable<readonly V[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}
