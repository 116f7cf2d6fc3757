import { isStrataError, messageOf } from '../errors.js'
import { SharedReads } from './body/shared-reads.js'
import type { EntryCandidate } from './candidates.js'
import { deliverStored, type Deliverable } from './deliver.js'
import type { CacheResult } from './exchange.js'
import type { Parts } from './parts.js'
import { residentOf } from './resident.js'
import type { Trip } from './trip.js'

/** Answers from what is stored: finds the body, checks it, delivers it. */
export class StoredAnswers {
  readonly #reads: SharedReads

  constructor(
    private readonly parts: Parts,
    /** The body could not be had, and nothing has been sent: the request goes on as a miss. */
    private readonly onLost: (trip: Trip) => void,
  ) {
    this.#reads = new SharedReads(parts.smallBodies)
  }

  /**
   * deliver from the stores: a small body whole and checked, a large one as it streams.
   * @param keeps a small body goes into memory, too: only of an entry that has been found live just now.
   */
  async answer(
    trip: Trip,
    chosen: EntryCandidate,
    result: CacheResult,
    detail: string,
    ttl: number,
    keeps = true,
  ): Promise<void> {
    const { parts } = this
    const { x } = trip
    const ref = chosen.stored.body
    const bodyless = x.request.method === 'HEAD' || ref.size === 0
    const checkedSeq = parts.fence.state().seq
    x.outcome.tier = 'shared'
    try {
      let bytes: Buffer | undefined
      if (!bodyless && (ref.digest !== '' || ref.size === 0)) {
        const read = this.#reads.read(ref)
        bytes = read instanceof Promise ? await read : read
        // A purge that came while the body was read is newer than this request: it may still be answered, but not be kept.
      }
      const mayStay = keeps && !chosen.soft && (bytes !== undefined || ref.chunkSize > 0)
      if (mayStay && parts.memory.takes(bytes?.length ?? 0))
        parts.memory.put(trip.identity.text, residentOf(chosen, bytes, checkedSeq))
      const { stored, policy, initialAge, soft, coding } = chosen
      const whole = { stored, policy, initialAge, soft, coding, body: bytes }
      const delivering = this.deliver(trip, whole, result, detail, ttl)
      if (delivering !== undefined) await delivering
    } catch (error) {
      await this.#bodyFailed(trip, chosen, error)
    }
  }

  /** deliver: what is at hand. */
  deliver(
    trip: Trip,
    stored: Deliverable,
    result: CacheResult,
    detail: string,
    ttl: number,
  ): undefined | Promise<void> {
    const { parts } = this
    const { x } = trip
    const { outcome } = x
    outcome.result = result
    outcome.detail = detail
    const now = parts.clock.now()
    const hit = result === 'HIT' || result === 'STALE'
    if (hit) outcome.savedMs = stored.stored.responseTime - stored.stored.requestTime
    const seconds = Math.floor(ttl / 1000)
    const status = hit
      ? { hit: true, ttl: seconds, detail }
      : { fwd: 'stale' as const, fwdStatus: outcome.originStatus, collapsed: outcome.collapsed, detail }
    parts.accessLog.note(stored.stored.key, stored.stored.variant, now)
    const { withoutLastModified } = parts.settings.http
    return deliverStored(x, stored, { result, status, now, withoutLastModified }, parts.answers, parts)
  }

  /** A body that is missing or damaged is a miss, and its entry goes (P3, P10). */
  async #bodyFailed(trip: Trip, { stored }: EntryCandidate, error: unknown): Promise<void> {
    const { parts } = this
    parts.events.warn('body-failed', { url: stored.url, error: messageOf(error) })
    parts.stats.storeFailures++
    parts.memory.remove(trip.identity.text)
    const lost = isStrataError(error, 'STRATA_BODY_MISSING') || isStrataError(error, 'STRATA_BODY_DAMAGED')
    if (lost) {
      const handle = { key: stored.key, variant: stored.variant, bodyId: stored.body.id }
      await parts.metadata
        .remove([handle])
        .catch((e: unknown) => parts.events.warn('remove-failed', { url: stored.url, error: messageOf(e) }))
    }
    if (trip.x.responder.headSent || trip.x.responder.closed) return
    this.onLost(trip)
  }
}
