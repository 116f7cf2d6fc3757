import type { EntryHandle, EntryUse, ListedEntry, ListPage, Usage } from '../../engine/ports/index.js'
import { entryName, splitName } from './tables.js'
import type { Codec, OrderedNames, Row, Tables } from './tables.js'
import { addUse, useOf } from './uses.js'

/** All entries in the order of key and variant; the cursor is the name of the last one that was looked at. */
export function listEntries<T>(tables: Tables<T>, codec: Codec<T>, limit: number, cursor?: string): ListPage {
  const from = cursor === undefined ? undefined : splitName(cursor)
  const items: ListedEntry[] = []
  let seen = 0
  let last = ''
  // One key more than asked: the first may have nothing after the cursor.
  for (const key of tables.rows.keysFrom(from?.key ?? '', limit + 2)) {
    for (const row of tables.rows.get(key) ?? []) {
      if (key === from?.key && row.variant <= from.variant) continue
      if (seen === limit) return { items, cursor: last }
      seen++
      last = entryName(key, row.variant)
      const entry = codec.open(key, row.variant, row.stored)
      if (entry !== undefined) items.push({ entry, use: useOf(tables, last, row) })
    }
  }
  return { items }
}

/** The first entries of an order, as handles. */
export function handles<T>(tables: Tables<T>, order: OrderedNames, limit: number, upTo?: number) {
  const found: (EntryHandle & { readonly size: number })[] = []
  if (limit <= 0) return found
  for (const { name } of order.upTo(upTo)) {
    const { key, variant } = splitName(name)
    const row = rowOf(tables, key, variant)
    if (row === undefined) continue
    if (found.push({ key, variant, bodyId: row.bodyId, size: row.size }) >= limit) break
  }
  return found
}

export function readUse<T>(tables: Tables<T>, key: string, variant: string): EntryUse | undefined {
  const row = rowOf(tables, key, variant)
  return row === undefined ? undefined : useOf(tables, entryName(key, variant), row)
}

export function touchEntries<T>(
  tables: Tables<T>,
  batch: readonly { key: string; variant: string; hits: number; at: number }[],
): void {
  for (const { key, variant, hits, at } of batch) {
    addUse(tables, entryName(key, variant), () => rowOf(tables, key, variant), hits, at)
  }
}

function rowOf<T>({ rows }: Tables<T>, key: string, variant: string): Row<T> | undefined {
  return rows.get(key)?.find(row => row.variant === variant)
}

export function readUsage<T>({ counts, stored }: Tables<T>): Usage {
  const { entries, bodies, bodyBytes, entryBytes } = counts.get()
  const newest = stored.last()
  if (newest === undefined) return { entries, bodies, bodyBytes, entryBytes }
  let oldest = newest
  for (const { at } of stored.upTo()) {
    oldest = at
    break
  }
  return { entries, bodies, bodyBytes, entryBytes, oldest, newest }
}
