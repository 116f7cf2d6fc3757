import { Packr } from 'msgpackr'
import { StrataError } from '../../errors.js'
import { digestInName, inlineName, sharedName } from './body-names.js'
import type { BodyRef, Entry } from './entry.js'
import { interned, internedFields } from '../interned.js'
import type { EveryField } from '../every-field.js'
import type { TileRef } from './tile-book.js'

/** Version of the stored format: the first element. A reader takes only those it knows; all else is a miss (P10). */
export const ENTRY_FORMAT = 1
/** The same with one element more, for entries that are tiles. A node that is older takes them for misses. */
export const TILE_FORMAT = 2
/** What most tiles are of is not written out. */
const USUAL_SET = 'WebMercatorQuad'

// Positional (no field names), because Redis keeps one of these per entry in memory. No records or structures: every
// value can be decoded by itself.
const packr = new Packr({
  useRecords: false,
  variableMapSize: true,
  encodeUndefinedAsNil: true,
  mapsAsObjects: true,
})

/** Entry → bytes. `key` and `variant` are not among them: the store keeps the entry under these names. */
export function encodeEntry(entry: Entry): Buffer {
  const { body, range, stamp, tile } = entry
  return packr.pack([
    tile === undefined ? ENTRY_FORMAT : TILE_FORMAT,
    entry.method === 'GET' ? 0 : entry.method,
    entry.status,
    entry.reason,
    entry.fields,
    entry.requestTime,
    entry.responseTime - entry.requestTime,
    entry.selecting.flatMap(({ name, value }) => [name, value]),
    range === undefined ? null : [range.first, range.last, range.complete ?? -1],
    entry.url,
    stamp.epoch,
    stamp.seq,
    entry.tags,
    idNumber(body),
    body.size,
    body.digest,
    body.chunkSize,
    body.checks,
    entry.uselessAt,
    ...(tile === undefined
      ? []
      : [[tile.layer, tile.set === USUAL_SET ? 0 : tile.set, tile.z, tile.x, tile.y]]),
  ])
}

/**
 * Bytes → entry, every value checked.
 * @throws StrataError STRATA_DECODE for any other format version and for anything that is not such an entry.
 */
export function decodeEntry(key: string, variant: string, bytes: Uint8Array): Entry {
  let row: unknown
  try {
    row = packr.unpack(bytes)
  } catch (cause) {
    throw new StrataError('STRATA_DECODE', 'stored metadata is not readable', { cause })
  }
  const isTile = Array.isArray(row) && row[0] === TILE_FORMAT
  if (!Array.isArray(row) || !(isTile || row[0] === ENTRY_FORMAT) || row.length !== (isTile ? 20 : 19)) {
    throw new StrataError('STRATA_DECODE', 'stored metadata has another format version')
  }
  const [
    ,
    method,
    status,
    reason,
    fields,
    requestTime,
    delay,
    selecting,
    range,
    url,
    epoch,
    seq,
    tags,
    id,
    size,
  ] = row
  const [digest, chunkSize, checks, uselessAt, tile] = row.slice(15)
  const valid =
    (method === 0 || isText(method)) &&
    isCount(status) &&
    status >= 100 &&
    status <= 999 &&
    isText(reason) &&
    isTexts(fields) &&
    fields.length % 2 === 0 &&
    isCount(requestTime) &&
    Number.isInteger(delay) &&
    isSelecting(selecting) &&
    (range === null || isRange(range)) &&
    isText(url) &&
    isText(epoch) &&
    isCount(seq) &&
    isTexts(tags) &&
    (id === 0 || id === 1 || isText(id)) &&
    isCount(size) &&
    isText(digest) &&
    isCount(chunkSize) &&
    checks instanceof Uint8Array &&
    checks.length % 4 === 0 &&
    isCount(uselessAt) &&
    (!isTile || isTileRow(tile))
  if (!valid) throw new StrataError('STRATA_DECODE', 'stored metadata failed validation')
  const entry: EveryField<Entry> = {
    key,
    variant,
    method: method === 0 ? 'GET' : method,
    status,
    reason: interned(reason),
    fields: internedFields(fields),
    requestTime,
    responseTime: requestTime + delay,
    selecting: selecting.length === 0 ? NONE : pairs(selecting),
    range: range === null ? undefined : rangeOf(range),
    url,
    stamp: { epoch: interned(epoch), seq },
    tags: tags.length === 0 ? NONE : tags,
    body: bodyOf(id, size, digest, chunkSize, checks),
    uselessAt,
    tile: isTile ? tileOf(tile as TileRow) : undefined,
  }
  return entry
}

/** Shared, for these stay in memory for long. */
const NONE: readonly never[] = []
const NO_CHECKS = new Uint8Array(0)

function bodyOf(
  id: string | 0 | 1,
  size: number,
  digest: string,
  chunkSize: number,
  checks: Uint8Array,
): BodyRef {
  const kept = checks.length === 0 ? NO_CHECKS : checks
  if (id !== 0 && id !== 1) return { id, size, digest, chunkSize, checks: kept }
  const name = id === 0 ? sharedName(digest) : inlineName(digest)
  return { id: name, size, digest: digestInName(name), chunkSize, checks: kept }
}

/** A name that the digest tells is not written out. */
function idNumber({ id, digest }: Entry['body']): string | number {
  return id === sharedName(digest) ? 0 : id === inlineName(digest) ? 1 : id
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText)
}

function isSelecting(value: unknown): value is (string | null)[] {
  return (
    Array.isArray(value) &&
    value.length % 2 === 0 &&
    value.every((v, i) => isText(v) || (i % 2 === 1 && v === null))
  )
}

type TileRow = [layer: string, set: string | 0, z: number, x: number, y: number]

function isTileRow(value: unknown): value is TileRow {
  return (
    Array.isArray(value) &&
    value.length === 5 &&
    isText(value[0]) &&
    (value[1] === 0 || isText(value[1])) &&
    value.slice(2).every(isCount)
  )
}

function tileOf([layer, set, z, x, y]: TileRow): TileRef {
  return { layer, set: set === 0 ? USUAL_SET : set, z, x, y }
}

function isRange(value: unknown): value is [number, number, number] {
  return (
    Array.isArray(value) &&
    value.length === 3 &&
    isCount(value[0]) &&
    isCount(value[1]) &&
    value[1] >= value[0] &&
    Number.isSafeInteger(value[2])
  )
}

function pairs(flat: (string | null)[]): { name: string; value: string | null }[] {
  const out = []
  for (let i = 0; i < flat.length; i += 2) out.push({ name: flat[i]!, value: flat[i + 1]! })
  return out
}

function rangeOf([first, last, complete]: [number, number, number]) {
  return complete < 0 ? { first, last } : { first, last, complete }
}
