/** How far a job of warming is. Items are done in an order that is always the same: a number says the place. */
export interface WarmTally {
  /** Items in all. */
  total: number
  /** Items that are over, all from the first on. */
  done: number
  /** Name of the last of these. */
  after: string
  /** Fresh already: not asked for. */
  hits: number
  /** Fetched and stored. */
  fetched: number
  /** The origin says that there is none, and that is stored. */
  absent: number
  /** Not the layer's: outside of its extent. */
  outside: number
  /** Not stored, so far. */
  failed: number
  /** Bytes of content that came. */
  bytes: number
  /** Times that something was tried again. */
  retried: number
  /** Items a second, of late. */
  rate: number
}

/** The same as an operator sees it. */
export interface WarmView extends Omit<WarmTally, 'after'> {
  readonly etaSeconds: number | null
}

const COUNTS = [
  ...['total', 'done', 'hits', 'fetched', 'absent', 'outside', 'failed', 'bytes', 'retried', 'rate'],
] as readonly string[]

export function newTally(total: number): WarmTally {
  const none = { done: 0, after: '', hits: 0, fetched: 0, absent: 0, outside: 0, failed: 0 }
  return { total, ...none, bytes: 0, retried: 0, rate: 0 }
}

export function isTally(value: unknown): value is WarmTally {
  if (typeof value !== 'object' || value === null) return false
  const row = value as Record<string, unknown>
  return typeof row.after === 'string' && COUNTS.every(name => isCount(row[name]))
}

export function viewOfTally({ after: _after, ...tally }: WarmTally): WarmView {
  const left = tally.total - tally.done
  const etaSeconds = left === 0 ? 0 : tally.rate === 0 ? null : Math.ceil(left / tally.rate)
  return { ...tally, rate: Math.round(tally.rate * 10) / 10, etaSeconds }
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
