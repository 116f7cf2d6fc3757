import { newMark, type Mark } from '../fence/mark.js'
import { FaultyRequest } from '../fence/mark-faults.js'
import type { TileCriterion } from '../ports/index.js'
import { available } from './available.js'
import { dryRun, type DryRun } from './dry-run.js'
import { isKey, unknownKey } from './entries.js'
import { planInvalidation, type InvalidateRequest } from './invalidate-plan.js'
import type { OperatorParts } from './parts.js'
import { withoutPorts } from './without-port.js'

export interface Invalidation {
  /** Its place in the order of invalidations. */
  readonly seq: number
  /** It holds on every node: nothing fetched before is served any more. */
  readonly effective: boolean
  /** Entries hit; with `sweeping`, so far. */
  readonly matched: number
  readonly sweeping: boolean
  /** Nodes that may still serve from memory. */
  readonly pending: readonly string[]
  readonly soft: boolean
  /** The sweep that removes what was hit. */
  readonly job: string
}

export interface TilesInvalidation {
  readonly soft?: boolean
  readonly dryRun?: boolean
}

const DRY_RUN_MS = 10_000
const MARKS_AT_ONCE = 1000

/** Longest wait for what an operator has asked for to be done; after it, it goes on in the background. */
export const WAIT_MS = 2000

/** One key with all its variants. The mark is set even when nothing is stored under it: a fill may be under way. */
export async function removeKey(
  parts: OperatorParts,
  key: string,
  { soft = false }: { readonly soft?: boolean },
): Promise<Invalidation> {
  if (!isKey(key)) throw unknownKey(key)
  const result = await setMarks(parts, await plan(parts, { soft, keys: [key] }), soft)
  if (result.matched === 0 && !result.sweeping) throw unknownKey(key)
  return result
}

/** What the request names. @throws FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_STORE_UNAVAILABLE */
export async function invalidate(
  parts: OperatorParts,
  request: InvalidateRequest,
): Promise<Invalidation | DryRun> {
  const marks = await plan(parts, request)
  if (request.dryRun === true) return available(dryRun(parts, marks, DRY_RUN_MS))
  return setMarks(parts, marks, request.soft ?? false)
}

/** Tiles. @throws FaultyRequest (STRATA_BAD_REQUEST) when they are too many for the log; StrataError STRATA_STORE_UNAVAILABLE */
export async function invalidateTiles(
  parts: OperatorParts,
  criteria: readonly TileCriterion[],
  { soft = false, dryRun: isDry = false }: TilesInvalidation,
): Promise<Invalidation | DryRun> {
  const at = parts.clock.now()
  const marks = criteria.map(tiles => newMark({ tiles }, { soft, at }))
  const most = Math.floor(parts.limits.maxMarks / 4)
  if (marks.length > most) {
    const message = `takes ${marks.length} marks in the log: at most ${most} fit at once, split the list (limits.maxMarks)`
    throw new FaultyRequest([{ path: 'tiles', message }])
  }
  return isDry ? available(dryRun(parts, marks, DRY_RUN_MS)) : setMarks(parts, marks, soft)
}

function plan(
  { clock, limits, effectiveUrls, portless }: OperatorParts,
  request: InvalidateRequest,
): Promise<Mark[]> {
  // More at once than half of the log would push each other out of it.
  const maxMarks = Math.min(MARKS_AT_ONCE, Math.floor(limits.maxMarks / 2))
  const named = portless === true ? withoutPorts(request) : request
  return planInvalidation(named, { now: clock.now(), maxMarks, effectiveUrls })
}

async function setMarks(parts: OperatorParts, marks: readonly Mark[], soft: boolean): Promise<Invalidation> {
  const { fence, sweeper, jobs, stats, settle, waitMs = WAIT_MS } = parts
  const counted = sweeper.expect()
  try {
    // Dead first, counted later.
    const state = await available(fence.invalidate(marks))
    stats.invalidations++
    let job = ''
    const ask = () => {
      job = jobs.request('sweep', 'invalidation').id
    }
    const [count, pending] = await Promise.all([
      sweeper.count(state.seq, waitMs, ask, parts.refresher?.()),
      available(Promise.resolve(settle?.(state) ?? [])),
    ])
    return { seq: state.seq, effective: pending.length === 0, ...count, pending, soft, job }
  } finally {
    counted()
  }
}
