import {
  decodeEntry,
  digestInName,
  encodeEntry,
  inlineName,
  isInline,
  sharedName,
  wholeEntry,
  internedFields,
} from '../../engine/ports/index.js'
import type { Entry } from '../../engine/ports/index.js'
import { isStrataError } from '../../errors.js'
import { packBody, packName, unpackBody, unpackName } from './names.js'
import { terse, verbose } from './terse-fields.js'

/** First byte of every value; a value that begins otherwise holds no rows (P10). */
export const ROWS_FORMAT = 1

/** Bytes before variant, body and blob: used 6, hits 4, uselessAt 6, responseTime 6, body size 5, and three lengths (1, 1, 3). */
const HEAD = 32

export interface Row {
  readonly entry: Entry
  readonly hits: number
  readonly lastAccess: number
}

/** What the commit script needs of an entry: what the scripts look at stands before the blob, and is not in it again. */
export interface RowParts {
  readonly variant: Buffer
  readonly body: Buffer
  readonly blob: Buffer
}

export function rowParts(entry: Entry): RowParts {
  const body = packBody(entry.body.id)
  // Equal to what decoding fills in: a shared body's digest is its name.
  const { id, digest: named } = entry.body
  const isNamed = (body.length === 32 && id === sharedName(named)) || id === inlineName(named)
  const digest = isNamed ? '' : named
  const blob = encodeEntry({
    ...entry,
    fields: terse(entry.fields),
    requestTime: 0,
    responseTime: entry.responseTime - entry.requestTime,
    uselessAt: 0,
    body: { ...entry.body, id: '', size: 0, digest },
  })
  return { variant: packName(entry.variant), body, blob }
}

/** All rows of a primary key's value; rows that can't be decoded are as if absent (P10). */
export function readRows(key: string, value: Buffer | null): Row[] {
  const rows: Row[] = []
  if (value === null || value[0] !== ROWS_FORMAT) return rows
  let at = 1
  while (at + HEAD <= value.length) {
    const variantAt = at + HEAD
    const bodyAt = variantAt + value[at + 27]!
    const blobAt = bodyAt + value[at + 28]!
    const end = blobAt + value.readUIntBE(at + 29, 3)
    if (end > value.length) break
    const row = readRow(key, value, at, unpackName(value.subarray(variantAt, bodyAt)), bodyAt, blobAt, end)
    if (row !== undefined) rows.push(row)
    at = end
  }
  return rows
}

function readRow(
  key: string,
  value: Buffer,
  at: number,
  variant: string,
  bodyAt: number,
  blobAt: number,
  end: number,
) {
  let kept: Entry
  try {
    kept = decodeEntry(key, variant, value.subarray(blobAt, end))
  } catch (error) {
    if (isStrataError(error, 'STRATA_DECODE')) return undefined
    throw error
  }
  const responseTime = value.readUIntBE(at + 16, 6)
  const packed = value.subarray(bodyAt, blobAt)
  const id = unpackBody(packed)
  const isNamed = kept.body.digest === '' && (packed.length === 32 || isInline(id))
  const digest = isNamed ? digestInName(id) : kept.body.digest
  const { chunkSize, checks } = kept.body
  const stood: Omit<Entry, 'body'> = {
    ...kept,
    fields: internedFields(verbose(kept.fields)),
    requestTime: responseTime - kept.responseTime,
    responseTime,
    uselessAt: value.readUIntBE(at + 10, 6),
  }
  const body = { id, size: value.readUIntBE(at + 22, 5), digest, chunkSize, checks }
  const entry = wholeEntry(stood, body)
  return { entry, lastAccess: value.readUIntBE(at, 6), hits: value.readUInt32BE(at + 6) }
}
