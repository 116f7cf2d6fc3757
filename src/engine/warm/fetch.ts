import { messageOf } from '../../errors.js'
import type { Clock } from '../clock.js'
import type { ClientRequest, Exchange } from '../exchange.js'
import type { Journey } from '../journey.js'
import type { Origin } from '../origin.js'
import type { Entry } from '../ports/index.js'
import { silentExchange, type Told } from '../refresh/silent-exchange.js'

/** What became of one URL. */
export type Warmed =
  | { readonly result: 'hits' }
  | { readonly result: 'fetched' | 'absent'; readonly bytes: number }
  | { readonly result: 'failed'; readonly reason: string; readonly bytes: number }

/** What is to be seen of the origin meanwhile. */
export interface Watched {
  answered(ms: number, bytes: number): void
  failed(): void
  /** Nothing more is asked of it: what is left is to store it. */
  over(): void
}

export interface FetchParts {
  readonly journey: Pick<Journey, 'run' | 'holds' | 'holdsIn' | 'settledFor'>
  readonly origin: Origin
  readonly clock: Clock
}

/** The origin has none of it. */
const ABSENT: ReadonlySet<number> = new Set([404, 410])

/** `wrong`: what is there, and fresh, is the word that there is none. */
export type Standing = 'warm' | 'cold' | 'wrong'

export interface Demand {
  /** What was fetched before does not count, ms since the epoch. */
  readonly since: number
  /** That the origin has none is an answer, too. */
  readonly mayBeAbsent: boolean
}

/** What is stored for it. @throws what the store fails with */
export async function standing(
  parts: FetchParts,
  request: ClientRequest,
  { since, mayBeAbsent }: Demand,
): Promise<Standing> {
  const status = await parts.journey.holds(quiet(parts, request, { since }).exchange)
  if (status === undefined) return 'cold'
  return isGood(status, mayBeAbsent) ? 'warm' : 'wrong'
}

function isGood(status: number, mayBeAbsent: boolean): boolean {
  return status < 400 || (mayBeAbsent && ABSENT.has(status))
}

/**
 * Sends a request on the journey for the sake of the store, and looks whether what it brought is there then: an answer that is not kept
 * warms nothing. Never rejects.
 */
export async function warm(
  parts: FetchParts,
  request: ClientRequest,
  { since, mayBeAbsent, found }: Demand & { readonly found: Standing },
  watched: Watched,
): Promise<Warmed> {
  let head: { status: number; ms: number } | undefined
  let isBroken = false
  let stored: Entry | undefined
  const told: Told = {
    onHead: (status, ms) => {
      head = { status, ms }
    },
    onFailure: () => {
      isBroken = true
    },
  }
  const warming = {
    since: found === 'wrong' ? parts.clock.now() + 1 : since,
    onStored: (entry: Entry) => {
      stored = entry
    },
  }
  const { exchange, over } = quiet(parts, request, warming, told)
  const { outcome } = exchange
  try {
    parts.journey.run(exchange)
    await over
    watched.over()
    await parts.journey.settledFor(exchange)
    const { bytes } = outcome
    if (isBroken || (head !== undefined && (head.status >= 500 || head.status === 429))) {
      watched.failed()
      const reason = head === undefined ? outcome.detail : `the origin answered ${head.status}`
      return { result: 'failed', reason: isBroken ? `the origin failed: ${outcome.detail}` : reason, bytes }
    }
    if (head !== undefined) watched.answered(head.ms, bytes)
    const status = head?.status ?? 200
    if (!isGood(status, mayBeAbsent))
      return { result: 'failed', reason: `the origin answered ${status}`, bytes }
    const held = stored === undefined ? undefined : parts.journey.holdsIn(exchange, stored)
    const isWarm =
      held === undefined
        ? (await standing(parts, request, { since, mayBeAbsent })) === 'warm'
        : isGood(held, mayBeAbsent)
    if (!isWarm) return { result: 'failed', reason: `is not fresh in the store: ${outcome.detail}`, bytes }
    if (outcome.result === 'HIT') return { result: 'hits' }
    return { result: ABSENT.has(status) ? 'absent' : 'fetched', bytes }
  } catch (error) {
    return { result: 'failed', reason: messageOf(error), bytes: outcome.bytes }
  }
}

function quiet(
  { origin, clock }: FetchParts,
  request: ClientRequest,
  warming: NonNullable<Exchange['warming']>,
  told: Told = NOBODY,
): { exchange: Exchange; over: Promise<unknown> } {
  const { exchange, over } = silentExchange(request, origin, told, clock)
  return { exchange: { ...exchange, warming }, over }
}

const NOBODY: Told = { onHead: () => {}, onFailure: () => {} }
