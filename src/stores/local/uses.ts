import type { EntryUse } from '../../engine/ports/index.js'
import type { Row, Tables } from './tables.js'

/**
 * How entries were used, and their order by it. Most are never used again after they were stored: those have a place in the order, by
 * the time of their response, and no row.
 */
type Uses = Pick<Tables<unknown>, 'uses' | 'recent'>
type Stored = Pick<Row<unknown>, 'storedAt'>

export function useOf({ uses }: Uses, name: string, row: Stored): EntryUse {
  return uses.get(name) ?? neverUsed(row)
}

function neverUsed({ storedAt }: Stored): EntryUse {
  return { hits: 0, lastAccess: storedAt }
}

/** The entry is written: anew, or over `before`, whose hits it keeps. */
export function recommitUse(tables: Uses, name: string, before: Stored | undefined, after: Stored): void {
  if (before === undefined) return tables.recent.add(after.storedAt, name)
  const use = useOf(tables, name, before)
  put(tables, name, use, { hits: use.hits, lastAccess: Math.max(use.lastAccess, after.storedAt) }, after)
}

/** Answers that were given from the entry, the last one at `at`. Batches of several processes land in any order: time never goes back. */
export function addUse(tables: Uses, name: string, row: Stored, hits: number, at: number): void {
  const use = useOf(tables, name, row)
  put(tables, name, use, { hits: use.hits + hits, lastAccess: Math.max(use.lastAccess, at) }, row)
}

/** The entry goes. */
export function dropUse(tables: Uses, name: string, row: Stored): void {
  const use = tables.uses.get(name)
  tables.recent.remove((use ?? neverUsed(row)).lastAccess, name)
  if (use !== undefined) tables.uses.remove(name)
}

function put({ uses, recent }: Uses, name: string, before: EntryUse, after: EntryUse, row: Stored): void {
  if (after.lastAccess !== before.lastAccess) {
    recent.remove(before.lastAccess, name)
    recent.add(after.lastAccess, name)
  }
  if (after.hits > 0 || after.lastAccess !== row.storedAt) uses.put(name, after)
  else if (uses.has(name)) uses.remove(name)
}
