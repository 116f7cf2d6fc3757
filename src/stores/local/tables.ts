import type { Entry, EntryUse, FenceState, LoggedMark } from '../../engine/ports/index.js'

/** Values by name. What `get` gives is not to be changed: `put` a new value. */
export interface Table<V> {
  get(name: string): V | undefined
  has(name: string): boolean
  put(name: string, value: V): void
  remove(name: string): void
}

/** Names ordered by a number, then by name. The pair must be the same in `add` and `remove`. */
export interface OrderedNames {
  add(at: number, name: string): void
  remove(at: number, name: string): void
  /** In order, up to and including `at`. Not to be changed while it is read. */
  upTo(at?: number): Iterable<{ readonly at: number; readonly name: string }>
  /** The greatest number. */
  last(): number | undefined
}

/** One stored entry under its primary key. `stored` is the entry in the store's own form (`Codec`). */
export interface Row<T> {
  readonly variant: string
  readonly bodyId: string
  readonly size: number
  readonly storedAt: number
  readonly uselessAt: number
  readonly stored: T
}

/** Rows by primary key, sorted by variant; a key without rows is removed. */
export interface RowTable<T> extends Table<readonly Row<T>[]> {
  /** Primary keys from `key` on (inclusive), in order. */
  keysFrom(key: string, limit: number): readonly string[]
}

/** A body in the ledger. Times are ms since the epoch; `deletingSince` is -1 while it is not being deleted. */
export interface BodyRow {
  readonly refs: number
  readonly size: number
  readonly reservedUntil: number
  readonly deadSince: number
  readonly deletingSince: number
}

export interface LogState extends FenceState {
  readonly floor: number
  readonly retired: number
  readonly markCount: number
}

export interface Counts {
  readonly entries: number
  readonly bodies: number
  readonly bodyBytes: number
  readonly entryBytes: number
}

export interface MarkLog {
  append(seq: number, marks: readonly string[]): void
  /** See MetadataStore.marksAfter: at most `limit`, then the rest of the last one's seq. */
  after(seq: number, limit: number): readonly LoggedMark[]
  /** Returns how many went. */
  dropUpTo(seq: number): number
}

/** A single value that is always there. */
export interface Cell<V> {
  get(): V
  set(value: V): void
}

export interface Codec<T> {
  seal(entry: Entry): T
  /** Undefined when it can't be decoded: as if absent (P10). */
  open(key: string, variant: string, stored: T): Entry | undefined
}

/**
 * What a store on this machine keeps, as plain synchronous tables. The steps in this folder work on them inside one
 * transaction of the store's, so that memory and LMDB have one and the same meaning.
 */
export interface Tables<T> {
  readonly rows: RowTable<T>
  /** How entries were used, by name: of those that were, or are by now older than their use. See `useOf`. */
  readonly uses: Table<EntryUse>
  /** Entry names by last access. */
  readonly recent: OrderedNames
  /** Entry names by uselessAt. */
  readonly useless: OrderedNames
  /** Entry names by responseTime. */
  readonly stored: OrderedNames
  /** The bodies' ledger. An inline body that has one reference needs no row: its bytes say that it is there. */
  readonly bodies: Table<BodyRow>
  /** Bytes of the bodies that are kept with the metadata. */
  readonly inline: Table<Uint8Array>
  /** Bodies without reference, by the time from which they may be deleted. */
  readonly dead: OrderedNames
  /** Bodies that have been handed out for deletion, by when. */
  readonly deleting: OrderedNames
  readonly marks: MarkLog
  readonly log: Cell<LogState>
  readonly counts: Cell<Counts>
}

/** Names an entry in the tables. Neither keys nor variants hold a space. */
export function entryName(key: string, variant: string): string {
  return `${key} ${variant}`
}

export function splitName(name: string): { key: string; variant: string } {
  const space = name.indexOf(' ')
  return space < 0
    ? { key: name, variant: '' }
    : { key: name.slice(0, space), variant: name.slice(space + 1) }
}
