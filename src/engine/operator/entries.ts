import { StrataError } from '../../errors.js'
import { available } from './available.js'
import { detailOf, viewOf, type EntryDetail, type EntryView } from './entry-view.js'
import { findEntries, type KeysQuery } from './listing.js'
import type { OperatorParts } from './parts.js'
import { withoutPorts } from './without-port.js'

/** A page of entries, and where the next one begins (null: there is none). */
export interface EntryPage {
  readonly keys: EntryView[]
  readonly cursor: string | null
  readonly scanned: number
}

export interface EntryVariants {
  readonly key: string
  readonly url: string
  readonly variants: EntryDetail[]
}

/** @throws FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_STORE_UNAVAILABLE */
export async function pageOfEntries(parts: OperatorParts, query: KeysQuery): Promise<EntryPage> {
  const { metadata, fence, clock, freshUntil, portless } = parts
  const named = portless === true ? withoutPorts(query) : query
  const { items, cursor, scanned } = await available(findEntries(metadata, fence, named))
  const now = clock.now()
  const keys = items.map(({ entry, use, soft }) =>
    viewOf(entry, { use, soft, freshUntil: freshUntil(entry), now }),
  )
  return { keys, cursor: cursor ?? null, scanned }
}

/** All live variants under a key. @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE */
export async function variantsUnder(parts: OperatorParts, key: string): Promise<EntryVariants> {
  const { metadata, fence, clock, freshUntil } = parts
  if (!isKey(key)) throw unknownKey(key)
  const { entries } = await available(Promise.resolve(fence.lookup(key)))
  const variants = await available(
    Promise.all(
      entries
        .map(entry => ({ entry, verdict: fence.verdict(entry) }))
        .filter(({ verdict }) => verdict !== 'dead')
        .map(async ({ entry, verdict }) => {
          const use = await metadata.use(entry.key, entry.variant)
          const soft = verdict === 'soft'
          return detailOf(entry, { use, soft, freshUntil: freshUntil(entry), now: clock.now() })
        }),
    ),
  )
  const first = variants[0]
  if (first === undefined) throw unknownKey(key)
  return { key, url: first.url, variants }
}

export function isKey(key: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(key)
}

export function unknownKey(key: string): StrataError {
  return new StrataError(
    'STRATA_NOT_FOUND',
    `nothing is stored under the key ${JSON.stringify(key.slice(0, 64))}`,
  )
}
