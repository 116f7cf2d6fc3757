import type { Decision, ForwardReason } from '../http/decide.js'
import type { EntryCandidate } from './candidates.js'
import { ClientReader } from './client-reader.js'
import type { FlightHooks } from './flights.js'
import type { Parts } from './parts.js'
import type { RawFields } from './ports/index.js'
import type { Running } from './running-flights.js'
import { answersFor } from './search-variance.js'
import type { Trip } from './trip.js'

export type Forward = Decision<EntryCandidate> & { action: 'revalidate' | 'fetch' }

/** Makes the readers by which trips take part in flights. */
export class FlightReaders {
  constructor(
    private readonly parts: Parts,
    private readonly hooks: Pick<FlightHooks, 'answer' | 'broken'>,
    /** Released: back to lookup. */
    private readonly again: (trip: Trip) => void,
  ) {}

  /** @param onSettled first sign of an answer, or the end of all hope */
  of(
    trip: Trip,
    decision: { reason: ForwardReason; detail: string },
    running: Running,
    leads: boolean,
    onSettled: () => void = () => {},
  ): ClientReader {
    const { parts } = this
    return new ClientReader(trip.x, {
      leads,
      leader: running.leader,
      unkeyed: running.unkeyed,
      rule: trip.rule,
      answers: parts.answers,
      fwd: decision.reason,
      detail: decision.detail,
      result: 'MISS',
      withoutLastModified: parts.settings.http.withoutLastModified,
      now: () => parts.clock.now(),
      onSettled: () => {
        if (leads) trip.x.outcome.originMs = running.lead.originMs
        onSettled()
      },
      onStored: (entry, result, detail) => {
        trip.x.outcome.originStatus = running.lead.originStatus
        this.hooks.answer(trip, entry, result, detail)
      },
      answersFor: (fields, entry) => this.#answersFor(trip, entry?.url ?? running.url, fields, leads),
      onReleased: () => this.again(trip),
    })
  }

  /** Of what goes past the cache: nobody else can be in its flight. */
  ofPass(trip: Trip, reason: string, running: Running): ClientReader {
    const { parts } = this
    const { x, rule } = trip
    return new ClientReader(x, {
      leads: true,
      leader: running.leader,
      unkeyed: running.unkeyed,
      rule,
      answers: parts.answers,
      fwd: reason === 'method' ? 'method' : 'bypass',
      detail: reason,
      result: 'BYPASS',
      withoutLastModified: 'date',
      now: () => parts.clock.now(),
      onSettled: () => {
        x.outcome.originMs = running.lead.originMs
      },
      onStored: () => this.hooks.broken(x, new Error('a pass was answered from the store')),
      answersFor: () => true,
      onReleased: () => this.hooks.broken(x, new Error('the leader of a pass was released')),
    })
  }

  /**
   * Whether what comes answers for the URL that was asked for, where another may have been fetched (No-Vary-Search). If it does not, the
   * request goes on as it was asked.
   */
  #answersFor(trip: Trip, url: string, fields: RawFields, leads: boolean): boolean {
    const { rule, identity } = trip
    const asked = (identity.asked ?? identity).url
    // The answer to the very request, a 304 that changes the field included.
    const isOwn = leads && identity.fetched.url === asked
    if (!rule.noVarySearch || isOwn || answersFor({ url, fields }, asked)) return true
    trip.literal = true
    if (leads) this.parts.variances.doubt(asked)
    return false
  }
}
