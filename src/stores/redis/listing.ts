import type { ListedEntry, ListPage } from '../../engine/ports/index.js'
import { StrataError } from '../../errors.js'
import { unpackName } from './names.js'
import { bytesOf, listOf, numberOf } from './reply.js'
import { readRows } from './row.js'
import type { ScriptRunner } from './script-runner.js'

/** Buckets of names; see scripts/prelude.ts. */
const BUCKETS = 8192

/** Buckets that one step walks at most: under a millisecond when they are empty. */
const STRIDE = 1024

/** Most names in one step: their values come in one reply. */
const MOST = 512

interface Place {
  readonly bucket: number
  readonly name: Buffer
  /** Variants up to this one are listed already; undefined: none is. */
  readonly variant?: string
}

/** One page: bucket by bucket, in each by name, then by variant: what is there throughout is listed. */
export async function listEntries(scripts: ScriptRunner, limit: number, cursor?: string): Promise<ListPage> {
  let place: Place = cursor === undefined ? { bucket: 0, name: Buffer.alloc(0) } : parseCursor(cursor)
  let last = place
  const items: ListedEntry[] = []
  while (place.bucket < BUCKETS) {
    // One more, for the name that the last page ended in.
    const names = Math.min(limit - items.length, MOST) + 1
    const [next, ...rows] = listOf(await scripts.run('list', place.bucket, place.name, names, STRIDE))
    let bucket = -1
    let name: Buffer = Buffer.alloc(0)
    for (let i = 0; i < rows.length; i += 3) {
      bucket = numberOf(rows[i])
      name = bytesOf(rows[i + 1])
      const seen: string | undefined = name.equals(place.name) ? place.variant : undefined
      const found = readRows(unpackName(name), bytesOf(rows[i + 2])).sort(byVariant)
      for (const { entry, hits, lastAccess } of found) {
        if (seen !== undefined && entry.variant <= seen) continue
        // The page is full, and this one is for the next: so there is a next.
        if (items.length === limit) return { items, cursor: formatCursor(last) }
        items.push({ entry, use: { hits, lastAccess } })
        last = { bucket, name, variant: entry.variant }
      }
    }
    const after = numberOf(next)
    // Still in the bucket of the last name: go on behind it.
    place =
      after === bucket
        ? { bucket, name: Buffer.concat([name, Buffer.of(0)]) }
        : { bucket: after, name: Buffer.alloc(0) }
    if (items.length === limit && place.bucket < BUCKETS) return { items, cursor: formatCursor(place) }
  }
  return { items }
}

function byVariant(a: { entry: { variant: string } }, b: { entry: { variant: string } }): number {
  return a.entry.variant < b.entry.variant ? -1 : 1
}

function formatCursor({ bucket, name, variant }: Place): string {
  return [bucket, name.toString('hex'), ...(variant === undefined ? [] : [variant])].join('.')
}

function parseCursor(cursor: string): Place {
  const match = /^(\d{1,4})\.((?:[0-9a-f]{2})*)(?:\.([A-Za-z0-9_-]*))?$/.exec(cursor)
  if (match === null)
    throw new StrataError('STRATA_BAD_REQUEST', 'this cursor is not one of a list of entries')
  return { bucket: Number(match[1]), name: Buffer.from(match[2]!, 'hex'), variant: match[3] }
}
