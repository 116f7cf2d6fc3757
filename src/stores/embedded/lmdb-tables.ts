import type { Database, Key, RootDatabase } from 'lmdb'
import type { LoggedMark } from '../../engine/ports/index.js'
import { StrataError } from '../../errors.js'
import type { Cell, MarkLog, OrderedNames, RowTable, Table, Tables } from '../local/tables.js'
import { bodyRecord, countsRecord, logRecord, rowsRecord, useRecord } from './records.js'
import type { Packed } from './records.js'

const PRESENT = Buffer.from([1])

const PLAIN: Packed<Uint8Array> = { encode: bytes => bytes as Buffer, decode: bytes => bytes }

type Names = Database<Buffer, [number, string]>

/** The tables in LMDB, and the only way to write to them. */
export interface LmdbTables {
  readonly tables: Tables<Uint8Array>
  /** Runs a step that writes. To be called inside a transaction of the database. */
  step<R>(work: () => R): R
  /** Pages of the file that nothing is in any more, bytes: LMDB writes to them before the file grows, and never makes it smaller. */
  unusedBytes(): number
}

/** The tables of one machine in LMDB: one sub-database each. */
export function lmdbTables(root: RootDatabase<Buffer, string>): LmdbTables {
  const all: Database<Buffer, Key>[] = []
  const openAny = <K extends Key>(name: string) => {
    const db = root.openDB<Buffer, K>({ name, encoding: 'binary' })
    all.push(db as unknown as Database<Buffer, Key>)
    return db
  }
  const open = (name: string) => openAny<string>(name)
  const names = (name: string) => orderedNames(openAny<[number, string]>(name))
  const state = open('state')
  let stepping = false
  const log = cell(state, 'log', logRecord, () => stepping)
  const counts = cell(state, 'counts', countsRecord, () => stepping)
  const tables = {
    rows: rowTable(open('rows')),
    uses: table(open('uses'), useRecord),
    recent: names('recent'),
    useless: names('useless'),
    stored: names('stored'),
    bodies: table(open('bodies'), bodyRecord),
    inline: table(open('inline'), PLAIN),
    dead: names('dead'),
    deleting: names('deleting'),
    marks: markLog(openAny<[number, number]>('marks')),
    log,
    counts,
  }
  return {
    tables,
    step: work => {
      stepping = true
      try {
        const result = work()
        log.settle()
        counts.settle()
        return result
      } finally {
        stepping = false
        log.forget()
        counts.forget()
      }
    },
    unusedBytes: () => unusedBytes(root, all),
  }
}

/** What lmdb's `getStats` gives, of a database and of the file. */
interface Pages {
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}
interface FileStats {
  readonly pageSize: number
  readonly lastPageNumber: number
  /** The list of free pages. */
  readonly free: Pages
  readonly root: Pages
}

const META_PAGES = 2

function unusedBytes(
  root: RootDatabase<Buffer, string>,
  databases: readonly Database<Buffer, Key>[],
): number {
  const { pageSize, lastPageNumber, free, root: main } = root.getStats() as FileStats
  const used = [free, main, ...databases.map(db => db.getStats() as Pages)]
    .map(pages => pages.treeBranchPageCount + pages.treeLeafPageCount + pages.overflowPages)
    .reduce((sum, pages) => sum + pages, META_PAGES)
  return (lastPageNumber + 1 - used) * pageSize
}

function table<V>(db: Database<Buffer, string>, { encode, decode }: Packed<V>): Table<V> {
  return {
    get: name => {
      const bytes = db.getBinary(name)
      return bytes === undefined ? undefined : decode(bytes)
    },
    has: name => db.doesExist(name),
    put: (name, value) => void db.put(name, encode(value)),
    remove: name => void db.remove(name),
  }
}

function rowTable(db: Database<Buffer, string>): RowTable<Uint8Array> {
  return {
    ...table(db, rowsRecord),
    keysFrom: (key, limit) => [...db.getKeys(key === '' ? { limit } : { start: key, limit })],
  }
}

/** A cell that a step reads once and writes once, however often it changes the value. */
interface StepCell<V> extends Cell<V> {
  /** Writes what the step has set. */
  settle(): void
  /** Forgets what the step has read and set. */
  forget(): void
}

function cell<V>(
  db: Database<Buffer, string>,
  name: string,
  record: Packed<V>,
  inStep: () => boolean,
): StepCell<V> {
  let held: V | undefined
  let changed = false
  // The last value that was read, by its bytes: the fence is asked for at every hit, and seldom changes.
  let known: { readonly bytes: Buffer; readonly value: V } | undefined
  const read = () => {
    const bytes = db.getBinaryFast(name)
    if (bytes === undefined) return undefined
    if (known !== undefined && known.bytes.compare(bytes, 0, bytes.length) === 0) return known.value
    const copy = Buffer.from(bytes.subarray(0, bytes.length))
    const value = record.decode(copy)
    known = value === undefined ? undefined : { bytes: copy, value }
    return value
  }
  return {
    get: () => {
      const value = held ?? read()
      if (value === undefined) {
        const message = `the embedded database has lost its ${name}: delete its folder to start empty`
        throw new StrataError('STRATA_STORE_UNAVAILABLE', message)
      }
      if (inStep()) held = value
      return value
    },
    set: value => {
      held = value
      changed = true
    },
    settle: () => {
      if (changed) void db.put(name, record.encode(held!))
    },
    forget: () => {
      held = undefined
      changed = false
    },
  }
}

function orderedNames(db: Names): OrderedNames {
  return {
    add: (at, name) => void db.put([at, name], PRESENT),
    remove: (at, name) => void db.remove([at, name]),
    upTo: function* (at) {
      // [at + 1] sorts behind every [at, name]: times are whole milliseconds.
      const range = at === undefined ? {} : { end: [at + 1] as unknown as [number, string] }
      for (const [found, name] of db.getKeys(range)) yield { at: found, name }
    },
    last: () => [...db.getKeys({ reverse: true, limit: 1 })][0]?.[0],
  }
}

function markLog(db: Database<Buffer, [number, number]>): MarkLog {
  return {
    append: (seq, marks) => marks.forEach((mark, i) => void db.put([seq, i], Buffer.from(mark))),
    after: (seq, limit) => {
      const found: LoggedMark[] = []
      for (const { key, value } of db.getRange({ start: [seq + 1, 0] })) {
        if (found.length >= limit && key[0] !== found.at(-1)?.seq) break
        found.push({ seq: key[0], mark: value.toString() })
      }
      return found
    },
    dropUpTo: seq => {
      const keys = [...db.getKeys({ end: [seq + 1, 0] })]
      for (const key of keys) void db.remove(key)
      return keys.length
    },
  }
}
