import type { EntryUse } from '../../engine/ports/index.js'
import type { OrderedNames, Row, Tables } from './tables.js'

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
  const { uses, recent } = tables
  if (before === undefined) return recent.add(after.storedAt, name)
  const use = useOf(tables, name, before)
  const lastAccess = Math.max(use.lastAccess, after.storedAt)
  move(recent, name, use.lastAccess, lastAccess)
  if (use.hits > 0 || lastAccess !== after.storedAt) uses.put(name, { hits: use.hits, lastAccess })
  else if (uses.has(name)) uses.remove(name)
}

/**
 * Answers that were given from the entry, the last one at `at`. Batches of several processes land in any order: time never goes back.
 * @param find the entry's row, or undefined when it has gone; asked for at its first use alone: what was used has a row here, which goes
 *   with the entry
 */
export function addUse(
  { uses, recent }: Uses,
  name: string,
  find: () => Stored | undefined,
  hits: number,
  at: number,
): void {
  const row = uses.get(name) ?? find()
  if (row === undefined) return
  const before = 'hits' in row ? row : neverUsed(row)
  const lastAccess = Math.max(before.lastAccess, at)
  move(recent, name, before.lastAccess, lastAccess)
  uses.put(name, { hits: before.hits + hits, lastAccess })
}

/** The entry goes. */
export function dropUse(tables: Uses, name: string, row: Stored): void {
  const use = tables.uses.get(name)
  tables.recent.remove((use ?? neverUsed(row)).lastAccess, name)
  if (use !== undefined) tables.uses.remove(name)
}

function move(recent: OrderedNames, name: string, from: number, to: number): void {
  if (from === to) return
  recent.remove(from, name)
  recent.add(to, name)
}
