import { isInline } from '../../engine/ports/index.js'
import type { BodyRow, OrderedNames, Tables } from './tables.js'

const NOT_DELETING = -1
/** A deletion that has not been reported within this time (its process died) is handed out again, ms. */
const DELETION_RETRY_MS = 60_000

type Ledger = Pick<Tables<unknown>, 'bodies' | 'dead' | 'deleting' | 'counts' | 'inline'>

export function isDeleting(row: BodyRow): boolean {
  return row.deletingSince !== NOT_DELETING
}

export function reserve(ledger: Ledger, id: string, until: number): 'present' | 'reserved' | 'busy' {
  const row = ledger.bodies.get(id)
  if (row === undefined) {
    write(ledger, id, row, {
      refs: 0,
      size: 0,
      reservedUntil: until,
      deadSince: 0,
      deletingSince: NOT_DELETING,
    })
    return 'reserved'
  }
  if (isDeleting(row)) return 'busy'
  write(ledger, id, row, { ...row, reservedUntil: Math.max(row.reservedUntil, until) })
  return row.refs > 0 ? 'present' : 'reserved'
}

/** Without references the body is an orphan at once: bytes may have been written. */
export function release(ledger: Ledger, id: string, now: number): void {
  const row = ledger.bodies.get(id)
  if (row === undefined || isDeleting(row)) return
  write(ledger, id, row, { ...row, reservedUntil: 0, deadSince: row.refs === 0 ? now : row.deadSince })
}

/** Whether an entry may refer to the body. */
export function isKept(ledger: Ledger, id: string): boolean {
  if (isInline(id)) return ledger.inline.has(id)
  const row = ledger.bodies.get(id)
  return row !== undefined && !isDeleting(row)
}

/** One more entry refers to the body. The caller has seen that it is kept. */
export function addReference(ledger: Ledger, id: string, size: number): void {
  if (isInline(id)) return shareInline(ledger, id, size)
  const row = ledger.bodies.get(id)!
  const first = row.refs === 0
  // From here on the references keep it alive; its reservation has done its work.
  write(ledger, id, row, { ...row, refs: row.refs + 1, size: first ? size : row.size, reservedUntil: 0 })
  if (first) count(ledger, 1, size)
}

/** The same of a body that is kept with the metadata; the first reference brings the bytes along. */
export function addInline(ledger: Ledger, id: string, bytes: Uint8Array): void {
  if (ledger.inline.has(id)) return shareInline(ledger, id, bytes.length)
  ledger.inline.put(id, bytes)
  // Bytes that got lost come back with the next entry: those that shared them have a row.
  if (ledger.bodies.has(id)) shareInline(ledger, id, bytes.length)
  else count(ledger, 1, bytes.length)
}

function shareInline(ledger: Ledger, id: string, size: number): void {
  const refs = (ledger.bodies.get(id)?.refs ?? 1) + 1
  ledger.bodies.put(id, { refs, size, reservedUntil: 0, deadSince: 0, deletingSince: NOT_DELETING })
}

/** @param size of the body, bytes */
export function dropReference(ledger: Ledger, id: string, size: number, now: number): void {
  const row = ledger.bodies.get(id)
  if (isInline(id)) return dropInline(ledger, id, row, size)
  if (row === undefined || row.refs === 0) return
  const last = row.refs === 1
  if (last) count(ledger, -1, -row.size)
  write(ledger, id, row, { ...row, refs: row.refs - 1, deadSince: last ? now : row.deadSince })
}

function dropInline(ledger: Ledger, id: string, row: BodyRow | undefined, size: number): void {
  const left = (row?.refs ?? 1) - 1
  if (left > 1) return ledger.bodies.put(id, { ...row!, refs: left })
  if (row !== undefined) ledger.bodies.remove(id)
  if (left === 1 || (row === undefined && !ledger.inline.has(id))) return
  ledger.inline.remove(id)
  count(ledger, -1, -size)
}

/** Hands out orphans for deletion: first those whose deletion was never reported, then the dead, each oldest first. */
export function takeOrphans(ledger: Ledger, now: number, limit: number): string[] {
  const taken: { id: string; row: BodyRow }[] = []
  const strays: [OrderedNames, { at: number; name: string }][] = []
  const take = (order: OrderedNames, upTo: number, ripe: (row: BodyRow) => boolean) => {
    for (const place of order.upTo(upTo)) {
      if (taken.length >= limit) return
      const row = ledger.bodies.get(place.name)
      if (row === undefined) strays.push([order, place])
      else if (ripe(row)) taken.push({ id: place.name, row })
    }
  }
  take(ledger.deleting, now - DELETION_RETRY_MS, isDeleting)
  // `dead` is ordered by the later of two times, of which `now` bounds only the reservation; the store's clock made the other.
  take(ledger.dead, Math.max(now, Date.now()), row => row.reservedUntil <= now)

  // Rows that can't be decoded any more are as absent (P10): the reconciler finds their bodies.
  for (const [order, { at, name }] of strays) order.remove(at, name)
  for (const { id, row } of taken) write(ledger, id, row, { ...row, deletingSince: now })
  return taken.map(({ id }) => id)
}

/** Only what is being deleted is forgotten: a report that lands late must not touch a body that lives again. */
export function forget(ledger: Ledger, ids: readonly string[]): void {
  for (const id of ids) {
    const row = ledger.bodies.get(id)
    if (row === undefined || !isDeleting(row)) continue
    ledger.deleting.remove(row.deletingSince, id)
    ledger.bodies.remove(id)
  }
}

function write(ledger: Ledger, id: string, before: BodyRow | undefined, after: BodyRow): void {
  if (before !== undefined) place(before)?.remove(placeAt(before), id)
  place(after)?.add(placeAt(after), id)
  ledger.bodies.put(id, after)

  function place(row: BodyRow) {
    if (isDeleting(row)) return ledger.deleting
    return row.refs === 0 ? ledger.dead : undefined
  }
}

function placeAt(row: BodyRow): number {
  return isDeleting(row) ? row.deletingSince : Math.max(row.reservedUntil, row.deadSince)
}

function count(ledger: Ledger, bodies: number, bytes: number): void {
  const { entries, entryBytes, bodies: before, bodyBytes } = ledger.counts.get()
  ledger.counts.set({ entries, entryBytes, bodies: before + bodies, bodyBytes: bodyBytes + bytes })
}
