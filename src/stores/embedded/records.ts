import { Packr } from 'msgpackr'
import type { EntryUse } from '../../engine/ports/index.js'
import type { BodyRow, Counts, LogState, Row } from '../local/tables.js'

// Positional arrays: every value can be decoded by itself, and no field names take room.
const packr = new Packr({ useRecords: false, variableMapSize: true })

/** How one kind of value is kept. `decode` never throws: what it can't read is undefined, as if absent (P10). */
export interface Packed<V> {
  encode(value: V): Buffer
  decode(bytes: Uint8Array): V | undefined
}

function record<V>(
  toArray: (value: V) => unknown[],
  fromArray: (array: unknown[]) => V | undefined,
): Packed<V> {
  return {
    encode: value => packr.pack(toArray(value)),
    decode: bytes => {
      const array = unpack(bytes)
      return array === undefined ? undefined : fromArray(array)
    },
  }
}

export const logRecord = record<LogState>(
  s => [s.epoch, s.seq, s.floor, s.retired, s.markCount],
  ([epoch, ...rest]) => {
    if (typeof epoch !== 'string' || !areNumbers(rest, 4)) return undefined
    const [seq, floor, retired, markCount] = rest
    return { epoch, seq, floor, retired, markCount }
  },
)

export const countsRecord = record<Counts>(
  c => [c.entries, c.bodies, c.bodyBytes, c.entryBytes],
  array => {
    if (!areNumbers(array, 4)) return undefined
    const [entries, bodies, bodyBytes, entryBytes] = array
    return { entries, bodies, bodyBytes, entryBytes }
  },
)

export const bodyRecord = record<BodyRow>(
  b => [b.refs, b.size, b.reservedUntil, b.deadSince, b.deletingSince],
  array => {
    if (!areNumbers(array, 5)) return undefined
    const [refs, size, reservedUntil, deadSince, deletingSince] = array
    return { refs, size, reservedUntil, deadSince, deletingSince }
  },
)

export const useRecord = record<EntryUse>(
  u => [u.hits, u.lastAccess],
  array => {
    if (!areNumbers(array, 2)) return undefined
    const [hits, lastAccess] = array
    return { hits, lastAccess }
  },
)

/** All rows under one primary key in one value: a lookup reads it in one get. */
export const rowsRecord = record<readonly Row<Uint8Array>[]>(
  rows => rows.flatMap(r => [r.variant, r.bodyId, r.size, r.storedAt, r.uselessAt, r.stored]),
  flat => {
    const rows: Row<Uint8Array>[] = []
    for (let i = 0; i < flat.length; i += 6) {
      const [variant, bodyId, size, storedAt, uselessAt, stored] = flat.slice(i, i + 6)
      const valid = typeof variant === 'string' && typeof bodyId === 'string' && stored instanceof Uint8Array
      if (!valid || !isNumber(size) || !isNumber(storedAt) || !isNumber(uselessAt)) return undefined
      rows.push({ variant, bodyId, size, storedAt, uselessAt, stored })
    }
    return rows
  },
)

function unpack(bytes: Uint8Array): unknown[] | undefined {
  try {
    const value: unknown = packr.unpack(bytes)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined // not a msgpack value: the reader treats it as absent, and the next write replaces it
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

type Numbers = {
  2: [number, number]
  4: [number, number, number, number]
  5: [number, number, number, number, number]
}

function areNumbers<N extends keyof Numbers>(array: unknown[], length: N): array is Numbers[N] {
  return array.length === length && array.every(isNumber)
}
