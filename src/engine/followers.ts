import { StrataError } from '../errors.js'
import type { FlightReaders, Forward } from './flight-readers.js'
import type { FlightHooks } from './flights.js'
import type { Parts } from './parts.js'
import type { FenceState } from './ports/index.js'
import type { Running, RunningFlights } from './running-flights.js'
import { flightName, type Trip } from './trip.js'

/** Requests that wait for a flight which another one leads: which may, and until when. */
export class Followers {
  constructor(
    private readonly parts: Parts,
    private readonly running: RunningFlights,
    private readonly readers: FlightReaders,
    private readonly hooks: Pick<FlightHooks, 'again' | 'refuse'>,
  ) {}

  /**
   * The flight of this name, if no invalidation may stand between it and this request (P1). When no store can say so, it must have
   * begun after the request came.
   */
  joinable(name: string, trip: Trip, fence: FenceState | undefined): Running | undefined {
    const running = this.running.named(name)
    return running !== undefined && this.#mayFollow(running, trip, fence) ? running : undefined
  }

  /** One that has brought what is asked for, and is just committing it. */
  committing(trip: Trip, fence: FenceState | undefined): Running | undefined {
    for (const running of this.running.ofKey(trip.identity.text)) {
      if (running.flight.ended && this.#mayFollow(running, trip, fence)) return running
    }
    return undefined
  }

  /** Takes the answer as it comes, or (without `joins`, or too late) looks into the stores again once the flight is over. */
  follow(trip: Trip, running: Running, decision: Forward, joins = true): void {
    const { parts } = this
    parts.stats.followers++
    const { responder } = trip.x
    let cancel = () => {}
    const reader = this.readers.of(trip, decision, running, false, () => cancel())
    const joined = joins && reader.join(running.flight)
    let waits = true
    const again = () => {
      cancel()
      if (waits && !responder.closed && !responder.headSent) this.hooks.again(trip)
      waits = false
    }
    if (!joined) running.flight.whenSettled(again)
    if (responder.headSent || responder.closed) return
    const timer = setTimeout(() => {
      if (responder.headSent || responder.closed) return
      // A handler may never answer: the next request for the key asks anew.
      this.running.close(flightName(trip), running)
      // The origin answers, only too much has gone by to join: the first to have waited enough asks it anew, and the others join that.
      if (!joined) return again()
      reader.leave()
      this.hooks.refuse(
        trip,
        new StrataError('STRATA_ORIGIN_TIMEOUT', 'waited too long for the request that is already under way'),
      )
    }, parts.settings.limits.followerWaitMs)
    timer.unref()
    cancel = () => clearTimeout(timer)
  }

  /**
   * No store says whether an invalidation stands between the flight that runs and this request, which came later: so it may not
   * join (P1). It waits a little for others like it: they then share the next flight, which begins after them all (P6).
   */
  awaitNext(trip: Trip, { flight }: Running, next: () => void): void {
    let over = false
    const goOn = () => {
      if (over) return
      over = true
      clearTimeout(timer)
      trip.attempts++
      if (!trip.x.responder.closed) next()
    }
    const timer = setTimeout(goOn, this.parts.settings.tiers.timeoutMs)
    timer.unref()
    flight.whenSettled(goOn)
  }

  #mayFollow({ stamp, startedAt }: Running, trip: Trip, fence: FenceState | undefined): boolean {
    const { identity, rule } = trip
    // With a stamp it may end in an answer from the store, which is older than its start.
    if (stamp === undefined) return startedAt >= trip.arrivedAt
    if (fence === undefined) return false
    const { key, url } = identity
    return !this.parts.fence.mayStandBetween(stamp, { key, url, anyQuery: rule.noVarySearch })
  }
}
