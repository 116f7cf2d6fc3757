import type { Database, RootDatabase } from 'lmdb'
import type { LoggedMark } from '../../engine/ports/index.js'
import { StrataError } from '../../errors.js'
import type { Cell, MarkLog, OrderedNames, RowTable, Table, Tables } from '../local/tables.js'
import { bodyRecord, countsRecord, logRecord, rowsRecord, useRecord } from './records.js'
import type { Packed } from './records.js'

const PRESENT = Buffer.from([1])

type Names = Database<Buffer, [number, string]>

/** The tables of one machine in LMDB: one sub-database each. Writes are only made inside a transaction of `root`. */
export function lmdbTables(root: RootDatabase<Buffer, string>): Tables<Uint8Array> {
  const open = (name: string) => root.openDB<Buffer, string>({ name, encoding: 'binary' })
  const names = (name: string) =>
    orderedNames(root.openDB<Buffer, [number, string]>({ name, encoding: 'binary' }))
  const state = open('state')
  return {
    rows: rowTable(open('rows')),
    uses: table(open('uses'), useRecord),
    recent: names('recent'),
    useless: names('useless'),
    stored: names('stored'),
    bodies: table(open('bodies'), bodyRecord),
    dead: names('dead'),
    deleting: names('deleting'),
    marks: markLog(root.openDB<Buffer, [number, number]>({ name: 'marks', encoding: 'binary' })),
    log: cell(state, 'log', logRecord),
    counts: cell(state, 'counts', countsRecord),
  }
}

function table<V>(db: Database<Buffer, string>, { encode, decode }: Packed<V>): Table<V> {
  return {
    get: name => {
      const bytes = db.getBinary(name)
      return bytes === undefined ? undefined : decode(bytes)
    },
    put: (name, value) => void db.put(name, encode(value)),
    remove: name => void db.remove(name),
  }
}

function rowTable(db: Database<Buffer, string>): RowTable<Uint8Array> {
  return {
    ...table(db, rowsRecord),
    keysFrom: (key, limit) => db.getKeys(key === '' ? { limit } : { start: key, limit }).asArray,
  }
}

function cell<V>(db: Database<Buffer, string>, name: string, record: Packed<V>): Cell<V> {
  const { get, put } = table(db, record)
  return {
    get: () => {
      const value = get(name)
      if (value !== undefined) return value
      throw new StrataError(
        'STRATA_STORE_UNAVAILABLE',
        `the embedded database has lost its ${name}: delete its folder`,
      )
    },
    set: value => put(name, value),
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
    last: () => db.getKeys({ reverse: true, limit: 1 }).asArray[0]?.[0],
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
      const keys = db.getKeys({ end: [seq + 1, 0] }).asArray
      for (const key of keys) void db.remove(key)
      return keys.length
    },
  }
}
