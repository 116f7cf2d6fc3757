import type { Entry, LoggedMark } from '../../engine/ports/index.js'
import type { Cell, MarkLog, Row, RowTable, Table, Tables } from '../local/tables.js'
import { SortedNames } from './ordered-names.js'

/** The tables of one machine as plain maps: entries are kept as they are, nothing is encoded. */
export function memoryTables(epoch: string): Tables<Entry> {
  return {
    rows: rowTable(),
    uses: table(),
    recent: new SortedNames(),
    useless: new SortedNames(),
    stored: new SortedNames(),
    bodies: table(),
    inline: table(),
    dead: new SortedNames(),
    deleting: new SortedNames(),
    marks: markLog(),
    log: cell({ epoch, seq: 0, floor: 0, retired: 0, markCount: 0 }),
    counts: cell({ entries: 0, bodies: 0, bodyBytes: 0, entryBytes: 0 }),
  }
}

function table<V>(): Table<V> {
  const values = new Map<string, V>()
  return {
    get: name => values.get(name),
    has: name => values.has(name),
    put: (name, value) => void values.set(name, value),
    remove: name => void values.delete(name),
  }
}

function rowTable(): RowTable<Entry> {
  const rows = new Map<string, readonly Row<Entry>[]>()
  const keys = new SortedNames()
  return {
    get: key => rows.get(key),
    has: key => rows.has(key),
    put: (key, value) => {
      if (!rows.has(key)) keys.add(0, key)
      rows.set(key, value)
    },
    remove: key => {
      keys.remove(0, key)
      rows.delete(key)
    },
    keysFrom: (key, limit) => keys.from(0, key, limit).map(({ name }) => name),
  }
}

function cell<V>(value: V): Cell<V> {
  return {
    get: () => value,
    set: next => {
      value = next
    },
  }
}

function markLog(): MarkLog {
  let log: LoggedMark[] = []
  /** Index of the first mark after `seq`. */
  const position = (seq: number) => {
    let low = 0
    let high = log.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (log[middle]!.seq <= seq) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    append: (seq, marks) => void log.push(...marks.map(mark => ({ seq, mark }))),
    after: (seq, limit) => {
      const start = position(seq)
      const last = log[Math.min(start + limit, log.length) - 1]
      return last === undefined ? [] : log.slice(start, position(last.seq))
    },
    dropUpTo: seq => {
      const dropped = position(seq)
      log = log.slice(dropped)
      return dropped
    },
  }
}
