import { LRUCache } from 'lru-cache'
import { StrataError } from '../errors.js'
import type { Decision, ForwardReason } from '../http/decide.js'
import type { EntryCandidate } from './candidates.js'
import { ClientReader } from './client-reader.js'
import type { CacheResult, Exchange } from './exchange.js'
import { Flight } from './flight.js'
import type { ForwardMode } from './forward.js'
import { identify } from './identity.js'
import { invalidateAfter, isUnsafe } from './invalidate-after.js'
import { Lead } from './lead.js'
import type { Parts } from './parts.js'
import type { FenceState, RawFields } from './ports/index.js'
import { RemoteFlight } from './remote-flight.js'
import type { Rules } from './rules.js'
import { answersFor } from './search-variance.js'
import { flightName, modeOf, type Trip } from './trip.js'
import { ALL_FORWARDED, unkeyedFields, type UnkeyedFields } from './unkeyed-fields.js'

interface Running {
  readonly flight: Flight
  readonly lead: Lead
  readonly leader: Exchange['request']
  /** What the origin was asked for. */
  readonly url: string
  /** What of the leader's fields the origin saw. */
  readonly unkeyed: UnkeyedFields
  /** The fence before the origin was asked; undefined while the store could not say. */
  stamp: FenceState | undefined
  /** When the origin was asked, monotonic ms; not yet: Infinity. */
  startedAt: number
  /** Its part in what all nodes fetch; undefined when it is this node's affair alone. */
  remote?: RemoteFlight
}

type Forward = Decision<EntryCandidate> & { action: 'revalidate' | 'fetch' }

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

const REMEMBERED_ENDS = 10_000

/** All flights of this process: who leads, who follows, what turned out uncacheable (P6). */
export class Flights {
  /** Those that others may join, by name; and all that run, by key. */
  readonly #flights = new Map<string, Running>()
  readonly #byKey = new Map<string, Set<Running>>()
  /** When a flight of a key was last over, monotonic ms; for those whose lookup overlapped with it. */
  readonly #settledAt = new LRUCache<string, number>({ max: REMEMBERED_ENDS })
  readonly #unsettled = new Set<Flight>()
  /** Keys whose answers were not for sharing: nobody waits for another's request there, for a while (hit-for-miss). */
  readonly #uncacheable: LRUCache<string, true>
  #background = 0

  constructor(
    private readonly parts: Parts,
    private readonly rules: Rules,
    private readonly hooks: FlightHooks,
  ) {
    const { limits } = parts.settings
    this.#uncacheable = new LRUCache({
      max: limits.hitForMissEntries,
      ttl: limits.hitForMissMs,
      ttlAutopurge: false,
    })
  }

  get size(): number {
    return this.#flights.size
  }

  /** Resolves once all that run now are over, and what they brought is stored. */
  async settled(): Promise<void> {
    await Promise.all([...this.#unsettled].map(flight => new Promise<void>(done => flight.whenSettled(done))))
  }

  /** The same for those of one key. */
  async settledFor(text: string): Promise<void> {
    const running = [...(this.#byKey.get(text) ?? [])]
    await Promise.all(running.map(({ flight }) => new Promise<void>(done => flight.whenSettled(done))))
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
    const running = coalesces ? this.#joinable(name, trip, fence) : undefined
    if (running !== undefined) return this.#follow(trip, running, decision)
    // A fill that has come to its end since the stores were asked: they are asked again, not the origin (P6).
    if (trip.attempts === 0 && (this.#settledAt.get(identity.text) ?? -1) >= trip.lookedUpAt)
      return this.#again(trip)
    // What was fetched a moment ago (another range of it, or the whole) is just being committed: it is looked up when it is there.
    const committing = trip.attempts === 0 ? this.#committing(trip, fence) : undefined
    if (committing !== undefined) return this.#follow(trip, committing, decision, false)
    if (fence === undefined && coalesces && trip.attempts === 0 && this.#flights.has(name))
      return this.#awaitNext(trip, decision, this.#flights.get(name)!)
    const started = this.#lead(
      trip,
      decision.chosen,
      modeOf(trip, decision),
      fence,
      coalesces ? name : undefined,
    )
    this.#reader(trip, decision, started, true).join(started.flight)
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

  #committing(trip: Trip, fence: FenceState | undefined): Running | undefined {
    for (const running of this.#byKey.get(trip.identity.text) ?? []) {
      if (running.flight.ended && this.#mayFollow(running, trip, fence)) return running
    }
    return undefined
  }

  /**
   * No store says whether an invalidation stands between the flight that runs and this request, which came later: so it may not
   * join (P1). It waits a little for others like it: they then share the next flight, which begins after them all (P6).
   */
  #awaitNext(trip: Trip, decision: Forward, { flight }: Running): void {
    let over = false
    const goOn = () => {
      if (over) return
      over = true
      clearTimeout(timer)
      trip.attempts++
      if (!trip.x.responder.closed) this.fly(trip, decision, undefined)
    }
    const timer = setTimeout(goOn, this.parts.settings.tiers.timeoutMs)
    timer.unref()
    flight.whenSettled(goOn)
  }

  /**
   * The flight of this name, if no invalidation may stand between it and this request (P1). When no store can say so, it must have
   * begun after the request came.
   */
  #joinable(name: string, trip: Trip, fence: FenceState | undefined): Running | undefined {
    const running = this.#flights.get(name)
    return running !== undefined && this.#mayFollow(running, trip, fence) ? running : undefined
  }

  #mayFollow({ stamp, startedAt }: Running, trip: Trip, fence: FenceState | undefined): boolean {
    const { identity, rule } = trip
    // With a stamp it may end in an answer from the store, which is older than its start.
    if (stamp === undefined) return startedAt >= trip.arrivedAt
    if (fence === undefined) return false
    const { key, url } = identity
    return !this.parts.fence.mayStandBetween(stamp, { key, url, anyQuery: rule.noVarySearch })
  }

  #follow(trip: Trip, running: Running, decision: Forward, joins = true): void {
    const { parts } = this
    parts.stats.followers++
    const { responder } = trip.x
    let cancel = () => {}
    const reader = this.#reader(trip, decision, running, false, () => cancel())
    const joined = joins && reader.join(running.flight)
    let waits = true
    const again = () => {
      cancel()
      if (waits && !responder.closed && !responder.headSent) this.#again(trip)
      waits = false
    }
    if (!joined) running.flight.whenSettled(again)
    if (responder.headSent || responder.closed) return
    const timer = setTimeout(() => {
      if (responder.headSent || responder.closed) return
      // A handler may never answer: the next request for the key asks anew.
      this.#close(flightName(trip), running)
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

  #reader(
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
      onReleased: () => this.#again(trip),
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
    const flight: Flight = new Flight(
      { bufferBytes: limits.flightBufferBytes, stallMs: limits.stallMs },
      () => lead.resume(),
      () => lead.deserted(),
    )
    const lead: Lead = new Lead(
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
        isAlone: () => name === undefined || this.#flights.get(name)?.flight !== flight,
        onInterim: (status, fields) => x.responder.interim(status, fields),
        onAddressed: address =>
          this.#listAlso(
            running,
            name && flightName({ x, identity: address, unkeyed: trip.unkeyed }),
            address.text,
          ),
        beforeHead: isUnsafe(x.request.method)
          ? head => invalidateAfter(parts, { x, identity, mayHold: url => this.#mayHold(url, trip) }, head)
          : undefined,
        onJudged: (action, refusal, isShared) => {
          if (action === 'pass' && mode.kind !== 'pass') {
            const own = OWN_TO_REQUEST.has(refusal ?? '') || trip.unkeyed.own.length > 0
            if (!own) this.#uncacheable.set(identity.text, true)
            running.remote?.release(own ? undefined : limits.hitForMissMs)
            if (name !== undefined) this.#flights.delete(name)
          } else if (action === 'store' || (action === 'share' && mode.kind !== 'pass')) {
            // What is stale at once would make all who wait ask one after the other.
            if (isShared) this.#uncacheable.delete(identity.text)
            else {
              this.#uncacheable.set(identity.text, true)
              running.remote?.release(limits.hitForMissMs)
            }
          }
          // A POST whose answer is stored for GETs: the next GET waits for the commit, and does not ask the origin (P6).
          if (action === 'store' && mode.kind === 'pass') {
            running.stamp = lead.stamp
            this.#remember(running, identity.text)
          }
        },
      },
      flight,
    )
    const { url } = identity.fetched
    const { unkeyed } = trip
    const running: Running = { flight, lead, leader: x.request, url, unkeyed, stamp, startedAt: Infinity }
    this.#unsettled.add(flight)
    flight.whenSettled(() => this.#unsettled.delete(flight))
    if (name !== undefined) this.#flights.set(name, running)
    if (mode.kind !== 'pass') this.#remember(running, identity.text)
    flight.whenSettled(() => this.#forget(name, running, identity.text))
    return running
  }

  #remember(running: Running, text: string): void {
    const same = this.#byKey.get(text)
    if (same === undefined) this.#byKey.set(text, new Set([running]))
    else same.add(running)
  }

  /** No-Vary-Search has told that it brings what others look for elsewhere: they find it there. */
  #listAlso(running: Running, name: string | undefined, text: string): void {
    if (name !== undefined && !this.#flights.has(name)) this.#flights.set(name, running)
    this.#remember(running, text)
    running.flight.whenSettled(() => this.#forget(name, running, text))
  }

  /** Nobody joins it from now on. */
  #close(name: string, running: Running): void {
    if (this.#flights.get(name) === running) this.#flights.delete(name)
  }

  #forget(name: string | undefined, running: Running, text: string): void {
    if (name !== undefined) this.#close(name, running)
    this.#settledAt.set(text, this.parts.clock.monotonic())
    const same = this.#byKey.get(text)
    same?.delete(running)
    if (same?.size === 0) this.#byKey.delete(text)
  }

  /** The client has its stale answer; the origin is asked for a newer one (RFC 5861 §3), once per key. */
  refreshInBackground(trip: Trip, chosen: EntryCandidate, fence: FenceState | undefined): void {
    trip.unkeyed = unkeyedFields(trip.x.request, trip.rule, chosen)
    const name = flightName(trip)
    if (
      this.#joinable(name, trip, fence) !== undefined ||
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
    const reader = new ClientReader(x, {
      leads: true,
      leader: x.request,
      unkeyed: ALL_FORWARDED,
      rule: trip.rule,
      answers: this.parts.answers,
      fwd: reason === 'method' ? 'method' : 'bypass',
      detail: reason,
      result: 'BYPASS',
      withoutLastModified: 'date',
      now: () => this.parts.clock.now(),
      onSettled: () => {
        x.outcome.originMs = running.lead.originMs
      },
      onStored: () => this.hooks.broken(x, new Error('a pass was answered from the store')),
      answersFor: () => true,
      onReleased: () => this.hooks.broken(x, new Error('the leader of a pass was released')),
    })
    reader.join(running.flight)
    running.lead.start()
  }

  /** Whether anything is stored, or just being fetched here, for a URL. A mark for each POST to what is never cached would fill the log. */
  async #mayHold(url: string, { x }: Trip): Promise<boolean> {
    const { pathname, search, protocol, host } = new URL(url)
    const rule = this.rules.match(pathname)
    if (rule.keyHeaders.length > 0 || rule.keyCookies.length > 0) return true
    // What answers for it may be stored under a key that only its No-Vary-Search tells.
    if (rule.noVarySearch && search !== '') return true
    const request = { ...x.request, path: pathname, query: search === '' ? undefined : search.slice(1) }
    const own = identify(
      { ...request, scheme: protocol === 'https:' ? 'https' : 'http', authority: host },
      rule,
    )
    if (this.#byKey.has(own.text)) return true
    try {
      return (await this.parts.metadata.lookup(own.key)).entries.length > 0
    } catch {
      // Not known: then the mark is what can be tried.
      return true
    }
  }
}
