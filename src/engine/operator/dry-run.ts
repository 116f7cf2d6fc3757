import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../clock.js'
import type { Fence } from '../fence/fence.js'
import type { Mark } from '../fence/mark.js'
import type { Entry, MetadataStore } from '../ports/index.js'

export interface DryRun {
  readonly dryRun: true
  /** Live entries that would be hit, and their body bytes (shared bodies count for each). */
  readonly matched: number
  readonly bytes: number
  readonly sample: readonly { readonly key: string; readonly url: string }[]
  /** False: there was no time for all entries, and there may be more. */
  readonly complete: boolean
}

const PAGE = 500
const SAMPLE = 20

/** What these marks would hit, with no effect. Looks at entries for at most `maxMs`. */
export async function dryRun(
  parts: { readonly metadata: MetadataStore; readonly fence: Fence; readonly clock: Clock },
  marks: readonly Mark[],
  maxMs: number,
): Promise<DryRun> {
  const { fence, clock } = parts
  const until = clock.monotonic() + maxMs
  const result = { matched: 0, bytes: 0, sample: [] as { key: string; url: string }[] }
  await fence.refresh()
  for await (const entries of candidates(parts, marks)) {
    for (const entry of entries) {
      if (!marks.some(mark => fence.concerns(mark, entry)) || fence.verdict(entry) === 'dead') continue
      result.matched++
      result.bytes += entry.body.size
      if (result.sample.length < SAMPLE) result.sample.push({ key: entry.key, url: entry.url })
    }
    await nextTurn()
    if (clock.monotonic() > until) return { dryRun: true, ...result, complete: false }
  }
  return { dryRun: true, ...result, complete: true }
}

async function* candidates(
  { metadata, fence }: { readonly metadata: MetadataStore; readonly fence: Fence },
  marks: readonly Mark[],
): AsyncGenerator<readonly Entry[]> {
  if (marks.every(mark => mark.key !== undefined)) {
    for (const key of new Set(marks.map(mark => mark.key!))) yield (await fence.lookup(key)).entries
    return
  }
  let cursor: string | undefined
  do {
    const page = await metadata.list(PAGE, cursor)
    yield page.items.map(({ entry }) => entry)
    cursor = page.cursor
  } while (cursor !== undefined)
}
