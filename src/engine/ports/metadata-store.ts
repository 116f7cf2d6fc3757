import type { Entry, EntryHandle, EntryUse } from './entry.js'

/** The fence: the counter that orders invalidations against fills, and the name of its life. */
export interface FenceState {
  readonly epoch: string
  readonly seq: number
}

/** One invalidation in the log. The store does not look into `mark`: JSON text, at most 32 KiB, written by the engine. */
export interface LoggedMark {
  readonly seq: number
  readonly mark: string
}

export interface MarksPage {
  readonly fence: FenceState
  /** Marks with `seq` greater than asked, in order, see `marksAfter`; `fence.seq` is reached when fewer than the limit come. */
  readonly marks: readonly LoggedMark[]
  /** Every entry whose stamp is below it is dead (marks folded together at the log's limit). */
  readonly floor: number
  /** Marks up to and including this seq are no longer in the log. Who has not seen them must drop all it holds in memory. */
  readonly retired: number
}

export interface Lookup {
  /** All variants under the key that can be decoded; others are as if absent (P10). */
  readonly entries: readonly Entry[]
  /** The fence, read in the same step. */
  readonly fence: FenceState
}

export interface CommitOptions {
  /** The fence up to which the caller has held the entry against all marks. The commit is refused when the store's fence differs. */
  readonly checked: FenceState
  /** Variants under the same key that go in the same step (superseded ones). */
  readonly replaces?: readonly string[]
  /** When given, the variant must exist now with this body id (a 304 refresh); else the result is `gone`. */
  readonly expectBody?: string
  /** A variant that is there now and has a later `responseTime`, or the same, stays; the result is `gone`. */
  readonly unlessNewer?: boolean
  /** At most so many variants stay under the key; those stored longest ago go first. */
  readonly maxVariants: number
  /**
   * Bytes of the entry's body, when it is to be kept with the metadata: its id is `i-<digest>`. It needs no reservation, equal ones
   * are kept once, and the bytes go in the same step as the last entry that refers to them.
   */
  readonly inline?: Buffer
}

export type CommitResult =
  | { readonly ok: true }
  /** An invalidation came (or the epoch changed): read the marks, check again, and commit again or give up. */
  | { readonly ok: false; readonly reason: 'fence'; readonly fence: FenceState }
  /** The stamp is older than the marks that have left the log: this fill began too long ago and can't be checked. Give up. */
  | { readonly ok: false; readonly reason: 'expired-stamp' }
  /** The body's reservation is gone, and nothing else refers to it. */
  | { readonly ok: false; readonly reason: 'body' }
  /** `expectBody` or `unlessNewer` did not hold. */
  | { readonly ok: false; readonly reason: 'gone' }

export interface ListedEntry {
  readonly entry: Entry
  readonly use: EntryUse
}

export interface ListPage {
  readonly items: readonly ListedEntry[]
  /** Undefined at the end. */
  readonly cursor?: string
}

export interface Usage {
  readonly entries: number
  /** Distinct bodies that entries refer to. */
  readonly bodies: number
  /** Bytes of distinct bodies that entries refer to. */
  readonly bodyBytes: number
  /** Sum over entries of their body's size: what would be stored if equal bodies were not shared. */
  readonly entryBytes: number
  /** responseTime of the entry stored longest ago and of the newest one, ms; undefined when empty. */
  readonly oldest?: number
  readonly newest?: number
  /** Its disk has no room for more, whatever the limits say. */
  readonly isCramped?: boolean
}

/**
 * The metadata port: entries by primary key, the fence with its log of marks, and the ledger of bodies.
 *
 * Ledger: a body is *reserved* before it is written, *referred to* by the entries that commit with it, and an *orphan* once no
 * entry refers to it and no reservation holds. `orphans` hands out orphans for deletion and bars them from new reservations
 * until `forget`, so that no commit can refer to a body that is being deleted.
 *
 * Every method rejects with StrataError STRATA_STORE_UNAVAILABLE when the backend fails. All steps named as one are atomic.
 * A write that timed out may still land: each is safe to land late or twice.
 */
export interface MetadataStore {
  readonly name: string
  /** Reads a key with all variants and the fence in one round trip. The embedded and memory stores answer at once, without a promise. */
  lookup(key: string): Lookup | Promise<Lookup>
  /**
   * The fence at this very moment, without a promise and cheap enough for every hit: stores of this machine only. It sees what any
   * process has had acknowledged. Stores without it are asked under a lease.
   */
  peekFence?(): FenceState
  /** Writes or replaces `(entry.key, entry.variant)`; moves the ledger's references; raises usage. One atomic step. */
  commit(entry: Entry, options: CommitOptions): Promise<CommitResult>
  /** The bytes of an inline body, see `CommitOptions.inline`. @throws (or rejects with) STRATA_BODY_MISSING when there are none. */
  inlineBody(id: string): Buffer | Promise<Buffer>
  /** Removes these entries where they still have that body id. Returns how many went. */
  remove(handles: readonly EntryHandle[]): Promise<number>

  /** Raises the counter once and logs all marks with the new seq: one atomic step. Returns the fence after it. */
  invalidate(marks: readonly string[]): Promise<FenceState>
  /**
   * Marks after `seq`, at most `limit`, and then the rest of the last one's seq: marks of one seq are never split over two
   * pages (a reader goes on with `marksAfter(last.seq)`).
   */
  marksAfter(seq: number, limit: number): Promise<MarksPage>
  /**
   * Drops marks with seq ≤ `upTo` from the log, after a sweep has removed what they concern; commits with a stamp below `upTo`
   * are refused from then on. With `fold`, sets `floor` to `upTo` as well: everything stamped below is dead (no sweep needed).
   */
  retireMarks(upTo: number, fold: boolean): Promise<void>
  /** Number of marks in the log. */
  markCount(): Promise<number>

  /** All entries, page by page, in an order of the store's own. What is there during the whole listing is listed. */
  list(limit: number, cursor?: string): Promise<ListPage>
  /** One entry with its use; undefined when absent. Does not count as a use. */
  use(key: string, variant: string): Promise<EntryUse | undefined>
  /** Batched access times and hit counts; names that are gone are passed over. */
  touch(uses: readonly { key: string; variant: string; hits: number; at: number }[]): Promise<void>
  usage(): Promise<Usage>
  /** The least recently used entries, oldest first. A commit counts as a use at its `responseTime`, and keeps the hits under its name. */
  leastRecent(limit: number): Promise<readonly (EntryHandle & { readonly size: number })[]>
  /** Entries whose `uselessAt` is ≤ now, oldest first. */
  useless(now: number, limit: number): Promise<readonly EntryHandle[]>

  /**
   * Holds a body id until `until` (ms). `present`: entries refer to it already, so its bytes are there and need not be written;
   * `reserved`: write it; `busy`: it is being deleted right now, use another id.
   */
  reserveBody(id: string, until: number): Promise<'present' | 'reserved' | 'busy'>
  /** Gives a reservation back (a fill that failed). */
  releaseBody(id: string): Promise<void>
  /** Bodies without reference and with no reservation after `now`, oldest first: from here on they are being deleted. Again after 60 s when not forgotten. */
  orphans(now: number, limit: number): Promise<readonly string[]>
  /** These bodies are deleted: the ledger forgets them. */
  forget(ids: readonly string[]): Promise<void>
  /** Which of these ids the ledger does not know at all (for the reconciler). */
  unknownBodies(ids: readonly string[]): Promise<readonly string[]>

  /** Resolves when the backend answers. */
  ping(): Promise<void>
  close(): Promise<void>
}
