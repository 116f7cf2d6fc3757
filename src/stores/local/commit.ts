import type { CommitOptions, CommitResult, Entry, EntryHandle } from '../../engine/ports/index.js'
import { addInline, addReference, dropReference, isKept } from './ledger.js'
import { entryName } from './tables.js'
import type { Codec, Row, Tables } from './tables.js'
import { dropUse, recommitUse } from './uses.js'

/** Writes or replaces an entry, or says why not. Changes nothing when it refuses. */
export function commit<T>(
  tables: Tables<T>,
  codec: Codec<T>,
  entry: Entry,
  { checked, replaces = [], expectBody, unlessNewer, maxVariants, inline }: CommitOptions,
  now: number,
): CommitResult {
  const { epoch, seq, retired } = tables.log.get()
  if (checked.epoch !== epoch || checked.seq !== seq || entry.stamp.epoch !== epoch) {
    return { ok: false, reason: 'fence', fence: { epoch, seq } }
  }
  if (entry.stamp.seq < retired) return { ok: false, reason: 'expired-stamp' }

  const { key, variant, body } = entry
  const rows = tables.rows.get(key) ?? []
  const current = rows.find(row => row.variant === variant)
  if (expectBody !== undefined && current?.bodyId !== expectBody) return { ok: false, reason: 'gone' }
  if (unlessNewer === true && current !== undefined && current.storedAt >= entry.responseTime)
    return { ok: false, reason: 'gone' }
  if (body.id !== '' && inline === undefined && !isKept(tables, body.id)) return { ok: false, reason: 'body' }

  const written: Row<T> = {
    variant,
    bodyId: body.id,
    size: body.size,
    storedAt: entry.responseTime,
    uselessAt: entry.uselessAt,
    stored: codec.seal(entry),
  }
  const others = rows.filter(row => row.variant !== variant)
  const room = Math.max(0, maxVariants - 1)
  const stay = newest(
    others.filter(row => !replaces.includes(row.variant)),
    room,
  )

  // The new reference comes first: a body that both rows share must not pass through "no reference".
  if (inline !== undefined) addInline(tables, body.id, inline)
  else if (body.id !== '') addReference(tables, body.id, body.size)
  for (const row of others) if (!stay.includes(row)) dropRow(tables, key, row, now)
  if (current !== undefined) unlinkRow(tables, key, current, now)
  const name = entryName(key, variant)
  tables.useless.add(written.uselessAt, name)
  tables.stored.add(written.storedAt, name)
  countEntries(tables, 1, written.size)
  recommitUse(tables, name, current, written)
  tables.rows.put(
    key,
    [...stay, written].sort((a, b) => (a.variant < b.variant ? -1 : 1)),
  )
  return { ok: true }
}

/** Removes the entries that still have the handle's body. Returns how many went. */
export function removeEntries<T>(tables: Tables<T>, handles: readonly EntryHandle[], now: number): number {
  let removed = 0
  for (const { key, variant, bodyId } of handles) {
    const rows = tables.rows.get(key)
    const row = rows?.find(r => r.variant === variant && r.bodyId === bodyId)
    if (rows === undefined || row === undefined) continue
    dropRow(tables, key, row, now)
    const left = rows.filter(r => r !== row)
    if (left.length === 0) tables.rows.remove(key)
    else tables.rows.put(key, left)
    removed++
  }
  return removed
}

function newest<T>(rows: readonly Row<T>[], limit: number): readonly Row<T>[] {
  return rows.length <= limit ? rows : [...rows].sort((a, b) => b.storedAt - a.storedAt).slice(0, limit)
}

/** Everything about the row but its place in `rows`: its use as well, for the name is gone. */
function dropRow<T>(tables: Tables<T>, key: string, row: Row<T>, now: number): void {
  unlinkRow(tables, key, row, now)
  dropUse(tables, entryName(key, row.variant), row)
}

function unlinkRow<T>(tables: Tables<T>, key: string, row: Row<T>, now: number): void {
  const name = entryName(key, row.variant)
  tables.useless.remove(row.uselessAt, name)
  tables.stored.remove(row.storedAt, name)
  countEntries(tables, -1, -row.size)
  if (row.bodyId !== '') dropReference(tables, row.bodyId, row.size, now)
}

function countEntries<T>(tables: Tables<T>, entries: number, bytes: number): void {
  const { entries: before, entryBytes, bodies, bodyBytes } = tables.counts.get()
  tables.counts.set({ entries: before + entries, entryBytes: entryBytes + bytes, bodies, bodyBytes })
}
