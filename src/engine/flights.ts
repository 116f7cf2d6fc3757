import { LRUCache } from 'lru-cache'
import { StrataError } from '../errors.js'
import type { EntryCandidate } from './candidates.js'
import type { CacheResult, Exchange } from './exchange.js'
import { Flight } from './flight.js'
import { FlightReaders, type Forward } from './flight-readers.js'
import { Followers } from './followers.js'
import type { ForwardMode } from './forward.js'
import { invalidateAfter, isUnsafe } from './invalidate-after.js'
import { Lead } from './lead.js'
import type { LeadPlan } from './lead-plan.js'
import { mayHold } from './may-hold.js'
import type { Parts } from './parts.js'
import type { FenceState } from './ports/index.js'
import { RemoteFlight } from './remote-flight.js'
import type { Rules } from './rules.js'
import { RunningFlights, type Running } from './running-flights.js'
import { flightName, modeOf, type Trip } from './trip.js'
import { unkeyedFields } from './unkeyed-fields.js'

/** What flights ask of the journey. */
export interface FlightHooks {
  /** Back to lookup: released, or too late to join. */
  readonly again: (trip: Trip) => void
  readonly answer: (trip: Trip, entry: EntryCandidate, result: CacheResult, detail: string) => void
  readonly refuse: (trip: Trip, error: StrataError) => void
  readonly broken: (x: Exchange, error: unknown) => void
}

/** Refusals that are the one request's doing: nothing is learnt from them about the key. */
const OWN_TO_REQUEST: ReadonlySet<string> = new Set([
  'authorization',
  'request-cookie',
  'request-no-store',
  'request-body',
  'method',
  'store-unavailable',
])

/** All flights of this process: who leads, who follows, what turned out uncacheable (P6). */
export class Flights {
  /** Keys whose answers were not for sharing: nobody waits for another's request there, for a while (hit-for-miss). */
  readonly #uncacheable: LRUCache<string, true>
  readonly #running: RunningFlights
  readonly #readers: FlightReaders
  readonly #followers: Followers
  #background = 0

  constructor(
    private readonly parts: Parts,
    private readonly rules: Rules,
    private readonly hooks: FlightHooks,
  ) {
    const { limits } = parts.settings
    this.#running = new RunningFlights(parts.clock)
    const again = (trip: Trip) => this.#again(trip)
    this.#readers = new FlightReaders(parts, hooks, again)
    this.#followers = new Followers(parts, this.#running, this.#readers, { again, refuse: hooks.refuse })
    this.#uncacheable = new LRUCache({
      max: limits.hitForMissEntries,
      ttl: limits.hitForMissMs,
      ttlAutopurge: false,
    })
  }

  get size(): number {
    return this.#running.size
  }

  /** Resolves once all that run now are over, and what they brought is stored. */
  settled(): Promise<void> {
    return this.#running.settled()
  }

  /** The same for those of one key. */
  settledFor(text: string): Promise<void> {
    return this.#running.settledFor(text)
  }

  /** flight: joins the one that runs for this key, or leads a new one. */
  fly(trip: Trip, decision: Forward, fence: FenceState | undefined): void {
    const { x, rule, identity } = trip
    trip.unkeyed = unkeyedFields(x.request, rule, decision.chosen)
    const name = flightName(trip)
    if (trip.attempts === 0) this.parts.uses.note(identity.text)
    const coalesces =
      rule.coalesce &&
      trip.attempts < 2 &&
      x.request.headers.authorization === undefined &&
      !this.#uncacheable.has(identity.text)
    const running = coalesces ? this.#followers.joinable(name, trip, fence) : undefined
    // An answer that is whole was so before this request came: one that asks for more than freshness (no-cache, max-age) looks at it
    // once it is stored, and decides by that.
    const asksMore = running?.flight.ended === true && trip.directives.names.length > 0
    if (running !== undefined && !asksMore) return this.#followers.follow(trip, running, decision)
    // A fill that has come to its end since the stores were asked: they are asked again, not the origin (P6).
    if (trip.attempts === 0 && this.#running.settledAt(identity.text) >= trip.lookedUpAt)
      return this.#again(trip)
    // What was fetched a moment ago (another range of it, or the whole) is just being committed: it is looked up when it is there.
    const committing = trip.attempts === 0 ? this.#followers.committing(trip, fence) : undefined
    if (committing !== undefined) return this.#followers.follow(trip, committing, decision, false)
    const unsure =
      fence === undefined && coalesces && trip.attempts === 0 ? this.#running.named(name) : undefined
    if (unsure !== undefined)
      return this.#followers.awaitNext(trip, unsure, () => this.fly(trip, decision, undefined))
    const started = this.#lead(
      trip,
      decision.chosen,
      modeOf(trip, decision),
      fence,
      coalesces ? name : undefined,
    )
    this.#readers.of(trip, decision, started, true).join(started.flight)
    this.#start(trip, started, coalesces ? name : undefined, false)
  }

  /** Asks the origin, or waits for what another node gets from it (P6). */
  #start(trip: Trip, running: Running, name: string | undefined, background: boolean): void {
    const { parts } = this
    const start = () => {
      running.startedAt = parts.clock.monotonic()
      running.lead.start()
    }
    const { locks } = parts
    const isAmongNodes = trip.rule.coalesceAcrossNodes && trip.x.request.method === 'GET'
    // Without a stamp the store is silent: it would not answer for the lock either.
    if (locks === undefined || name === undefined || running.stamp === undefined || !isAmongNodes)
      return start()
    const { text } = trip.identity
    const onUncacheable = () => this.#uncacheable.set(text, true)
    const { flight } = running
    running.remote = new RemoteFlight({
      ...parts,
      locks,
      flight,
      trip,
      name,
      background,
      start,
      onUncacheable,
    })
    running.remote.begin().catch((error: unknown) => this.hooks.broken(trip.x, error))
  }

  #again(trip: Trip): void {
    trip.attempts++
    this.hooks.again(trip)
  }

  #lead(
    trip: Trip,
    candidate: EntryCandidate | undefined,
    mode: ForwardMode,
    stamp: FenceState | undefined,
    name: string | undefined,
  ): Running {
    const { parts } = this
    const { x, rule, identity } = trip
    const { limits } = parts.settings
    const known = { rules: this.rules, running: this.#running, metadata: parts.metadata }
    const flight = new Flight({ bufferBytes: limits.flightBufferBytes, stallMs: limits.stallMs })
    const lead = new Lead(
      parts,
      {
        request: x.request,
        origin: x.origin,
        identity,
        rule,
        mode,
        stamp,
        candidate,
        unkeyed: trip.unkeyed,
        isWarming: x.warming !== undefined,
        onStored: x.warming?.onStored,
        isAlone: () => name === undefined || this.#running.named(name)?.flight !== flight,
        onInterim: (status, fields) => x.responder.interim(status, fields),
        onAddressed: address =>
          this.#running.listAlso(
            running,
            name && flightName({ x, identity: address, unkeyed: trip.unkeyed }),
            address.text,
          ),
        beforeHead: isUnsafe(x.request.method)
          ? head =>
              invalidateAfter(parts, { x, identity, mayHold: url => mayHold(known, url, x.request) }, head)
          : undefined,
        onJudged: (...judged) => this.#learn(trip, running, mode, name, ...judged),
      },
      flight,
    )
    const { url } = identity.fetched
    const { unkeyed } = trip
    const running: Running = { flight, lead, leader: x.request, url, unkeyed, stamp, startedAt: Infinity }
    this.#running.add(running, name, identity.text)
    if (mode.kind !== 'pass') this.#running.remember(running, identity.text)
    return running
  }

  /** What an answer tells of its key, and of who may wait for it. */
  #learn(
    { identity, unkeyed }: Trip,
    running: Running,
    mode: ForwardMode,
    name: string | undefined,
    ...[action, refusal, isShared]: Parameters<LeadPlan['onJudged']>
  ): void {
    const { hitForMissMs } = this.parts.settings.limits
    if (action === 'pass' && mode.kind !== 'pass') {
      const own = OWN_TO_REQUEST.has(refusal ?? '') || unkeyed.own.length > 0
      if (!own) this.#uncacheable.set(identity.text, true)
      running.remote?.release(own ? undefined : hitForMissMs)
      if (name !== undefined) this.#running.close(name, running)
    } else if (action === 'store' || (action === 'share' && mode.kind !== 'pass')) {
      // What is stale at once would make all who wait ask one after the other.
      if (isShared) this.#uncacheable.delete(identity.text)
      else {
        this.#uncacheable.set(identity.text, true)
        running.remote?.release(hitForMissMs)
      }
    }
    // A POST whose answer is stored for GETs: the next GET waits for the commit, and does not ask the origin (P6).
    if (action === 'store' && mode.kind === 'pass') {
      running.stamp = running.lead.stamp
      this.#running.remember(running, identity.text)
    }
  }

  /** The client has its stale answer; the origin is asked for a newer one (RFC 5861 §3), once per key. */
  refreshInBackground(trip: Trip, chosen: EntryCandidate, fence: FenceState | undefined): void {
    trip.unkeyed = unkeyedFields(trip.x.request, trip.rule, chosen)
    const name = flightName(trip)
    if (
      this.#followers.joinable(name, trip, fence) !== undefined ||
      this.#background >= this.parts.settings.limits.maxBackground
    )
      return
    this.#background++
    const mode = modeOf(trip, { action: chosen.soft ? 'fetch' : 'revalidate', chosen })
    const running = this.#lead(trip, chosen, mode, fence, name)
    running.flight.leaderless()
    running.flight.whenSettled(() => this.#background--)
    this.#start(trip, running, this.#uncacheable.has(trip.identity.text) ? undefined : name, true)
  }

  /** Past the cache: streams, and nothing is stored (but a POST response that may answer later GETs). */
  pass(trip: Trip, reason: string): void {
    const { x } = trip
    if (trip.directives.has('only-if-cached')) {
      return this.hooks.refuse(
        trip,
        new StrataError('STRATA_ONLY_IF_CACHED', 'this request never is, and it said only-if-cached'),
      )
    }
    const stamp = isUnsafe(x.request.method) ? this.parts.fence.state() : undefined
    const running = this.#lead(trip, undefined, { kind: 'pass' }, stamp, undefined)
    this.#readers.ofPass(trip, reason, running).join(running.flight)
    running.lead.start()
  }
}
