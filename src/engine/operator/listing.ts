import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Fence } from '../fence/fence.js'
import { FaultyRequest, type Fault } from '../fence/mark-faults.js'
import { compileCriteria, type Criteria } from '../fence/mark.js'
import { canonicalCriteria, faultsOf } from '../fence/mark-faults.js'
import type { ListedEntry, ListPage, MetadataStore } from '../ports/index.js'

export interface KeysQuery {
  readonly pattern?: string
  readonly tag?: string
  readonly prefix?: string
  /** 1 to 1,000; 100 by default. */
  readonly limit?: number
  /** As the page before gave it. */
  readonly cursor?: string
}

export interface Found {
  readonly items: readonly (ListedEntry & { readonly soft: boolean })[]
  /** Undefined at the end. A page may be short, or empty, with a cursor: the filter is rare, go on. */
  readonly cursor?: string
  /** Entries looked at for this page. */
  readonly scanned: number
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000
const FILTER_PAGE = 500
const SCAN_BUDGET = 10_000

/**
 * One page of live entries. Filters are applied here, over pages of the store, and at most `SCAN_BUDGET` entries are looked at in
 * a call: a rare pattern gives a cursor instead of holding the caller up.
 */
export async function findEntries(store: MetadataStore, fence: Fence, query: KeysQuery): Promise<Found> {
  const { limit = DEFAULT_LIMIT, cursor: _cursor, ...given } = query
  const criteria = canonicalCriteria(given)
  const filtered = Object.values(criteria).some(value => value !== undefined)
  const faults: Fault[] = filtered ? faultsOf(criteria) : []
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    faults.push({ path: 'limit', message: `must be a whole number from 1 to ${MAX_LIMIT}` })
  }
  const at = query.cursor === undefined ? START : decodeCursor(query.cursor)
  if (at === undefined) faults.push({ path: 'cursor', message: 'is none that an earlier page gave' })
  if (faults.length > 0 || at === undefined) throw new FaultyRequest(faults)
  return scan(store, fence, { matches: compileCriteria(criteria as Criteria), filtered, limit, at })
}

interface Scan {
  readonly matches: (entry: ListedEntry['entry']) => boolean
  readonly filtered: boolean
  readonly limit: number
  readonly at: Position
}

async function scan(
  store: MetadataStore,
  fence: Fence,
  { matches, filtered, limit, at }: Scan,
): Promise<Found> {
  const items: Found['items'][number][] = []
  let scanned = 0
  let storeCursor = at.cursor
  let skipTo = at.last
  await fence.refresh()
  do {
    const page = await store.list(
      filtered ? FILTER_PAGE : Math.min(limit - items.length, MAX_LIMIT),
      storeCursor,
    )
    await seeStamps(page, fence)
    for (const listed of afterLast(page, skipTo)) {
      scanned++
      const { entry } = listed
      if (!matches(entry)) continue
      const verdict = fence.verdict(entry)
      if (verdict === 'dead') continue
      items.push({ ...listed, soft: verdict === 'soft' })
      // In the middle of the store's page: the next call reads this page again, from here on.
      if (items.length === limit && listed !== page.items.at(-1)) {
        return {
          items,
          cursor: encodeCursor({ cursor: storeCursor, last: [entry.key, entry.variant] }),
          scanned,
        }
      }
    }
    storeCursor = page.cursor
    skipTo = undefined
    if (storeCursor === undefined) return { items, scanned }
    await nextTurn()
  } while (items.length < limit && scanned < SCAN_BUDGET)
  return { items, cursor: encodeCursor({ cursor: storeCursor, last: undefined }), scanned }
}

/** Entries stamped after what the mirror has seen are not dead, only newer. */
async function seeStamps(page: ListPage, fence: Fence): Promise<void> {
  const { epoch, seq } = fence.state()
  if (page.items.some(({ entry: { stamp } }) => stamp.epoch !== epoch || stamp.seq > seq))
    await fence.refresh()
}

/** What follows the last one that was given; the whole page when that has gone. */
function afterLast(page: ListPage, last: Position['last']): readonly ListedEntry[] {
  if (last === undefined) return page.items
  const at = page.items.findIndex(({ entry }) => entry.key === last[0] && entry.variant === last[1])
  return page.items.slice(at + 1)
}

interface Position {
  /** Of the store's page. */
  readonly cursor: string | undefined
  /** Key and variant given last out of that page. */
  readonly last: readonly [string, string] | undefined
}

const START: Position = { cursor: undefined, last: undefined }

function encodeCursor({ cursor, last }: Position): string {
  return Buffer.from(JSON.stringify([cursor ?? null, ...(last ?? [])])).toString('base64url')
}

function decodeCursor(text: string): Position | undefined {
  let row: unknown
  try {
    row = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  if (!Array.isArray(row) || (row.length !== 1 && row.length !== 3)) return undefined
  const [cursor, key, variant] = row as unknown[]
  if (cursor !== null && typeof cursor !== 'string') return undefined
  if (row.length === 1) return { cursor: cursor ?? undefined, last: undefined }
  if (typeof key !== 'string' || typeof variant !== 'string') return undefined
  return { cursor: cursor ?? undefined, last: [key, variant] }
}
