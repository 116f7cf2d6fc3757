import { StrataError, messageOf } from '../errors.js'
import { decide, type Decision } from '../http/decide.js'
import { currentAge } from '../http/freshness.js'
import { valueOf } from './assess.js'
import { candidateOf, selectCandidate, type EntryCandidate } from './candidates.js'
import type { Exchange } from './exchange.js'
import { Flights } from './flights.js'
import { bypassReason } from './forward.js'
import { identify, tileOf, type Identity } from './identity.js'
import { answering, MemoryHits, told } from './memory-hits.js'
import { OwnAnswers, type Answerable } from './own-answers.js'
import type { Parts } from './parts.js'
import type { Entry, FenceState, RuleLayer } from './ports/index.js'
import { Rules } from './rules.js'
import { StoredAnswers } from './stored-answers.js'
import { directivesOf, requestFacts, type Trip } from './trip.js'
import { ALL_FORWARDED } from './unkeyed-fields.js'

/**
 * The journey of one request, in named steps and one direction:
 * ```
 * receive ─ rule ─ key ─ lookup ─ decide ──hit/stale──────────────► deliver ─ record
 *                                   │                                 ▲
 *                                   └─miss/revalidate─ flight ─ judge ─┤  (streams to the client while it fills)
 *                                                               └─ fill: body first, metadata last
 * ```
 */
export class Journey {
  readonly #rules: Rules
  readonly #own: OwnAnswers
  readonly #flights: Flights
  readonly #answers: StoredAnswers
  readonly #memory: MemoryHits

  constructor(private readonly parts: Parts) {
    this.#rules = new Rules(parts.settings, parts.tiles)
    this.#own = new OwnAnswers(parts.answers, parts.events)
    this.#answers = new StoredAnswers(parts, trip =>
      this.#flights.fly(
        trip,
        { action: 'fetch', chosen: undefined, reason: 'uri-miss', detail: 'body-failed' },
        parts.fence.state(),
      ),
    )
    this.#memory = new MemoryHits(parts, this.#answers, (x, error) => this.#own.broken(x, error))
    this.#flights = new Flights(parts, this.#rules, {
      again: trip => {
        trip.identity = this.#addressed(trip)
        this.#slow(trip)
      },
      answer: (trip, entry, result, detail) => {
        this.#answers
          // Judged when its flight began: a purge since then concerns it, and memory would not be told again.
          .answer(trip, entry, result, detail, freshnessLeft(entry, parts.clock.now()), false)
          .catch((error: unknown) => this.#own.broken(trip.x, error))
      },
      refuse: (trip, error) => this.#own.refuse(trip.x, error),
      broken: (x, error) => this.#own.broken(x, error),
    })
  }

  /** receive: returns at once; a hit in memory is answered before it returns: then it returns true. Never throws. */
  run(x: Exchange): boolean {
    try {
      return this.#begin(x)
    } catch (error) {
      this.#own.broken(x, error)
      return true
    }
  }

  get flights(): number {
    return this.#flights.size
  }

  /** Resolves once all flights of now are over, and what they brought is stored. */
  settled(): Promise<void> {
    return this.#flights.settled()
  }

  /** The answer to a request that is no good to set out with; told and counted as any other. Never throws. */
  turnAway(x: Answerable, error: unknown, fields: readonly string[] = []): void {
    this.#own.turnAway(x, error, fields)
  }

  /** The answer to a request that asks this server itself. Never throws. */
  answerSelf(x: Answerable, status: number, fields: readonly string[]): void {
    this.#own.answerSelf(x, status, fields)
  }

  /**
   * Status of what would answer this from the stores, fresh and without the origin; undefined when nothing would. Nothing is read of a
   * body, and no use is counted.
   * @throws what the store fails with
   */
  async holds(x: Exchange): Promise<number | undefined> {
    const trip = this.#tripOf(x)
    if (
      bypassReason(x.request, trip.identity, trip.rule, this.parts.settings.limits.maxUrlLength) !== undefined
    )
      return undefined
    trip.identity = this.#addressed(trip)
    for (;;) {
      const pending = this.parts.fence.lookup(trip.identity.key)
      const found = pending instanceof Promise ? await pending : pending
      const status = this.#heldIn(trip, found.entries)
      if (status !== 'others') return status
      trip.literal = true
      trip.identity = this.#addressed(trip)
    }
  }

  /** The same by what has just been stored for it; undefined also when only a lookup can say. */
  holdsIn(x: Exchange, entry: Entry): number | undefined {
    const trip = this.#tripOf(x)
    trip.identity = this.#addressed(trip)
    const status = entry.key === trip.identity.key ? this.#heldIn(trip, [entry]) : undefined
    return status === 'others' ? undefined : status
  }

  /** `others`: what is there answers for other URLs. */
  #heldIn(trip: Trip, entries: readonly Entry[]): number | undefined | 'others' {
    const live = this.#live(trip, entries)
    const candidates = answering(trip, live)
    if (candidates.length === 0 && live.length > 0) return 'others'
    const selected = selectCandidate(candidates, name => valueOf(trip.x.request, name))
    const decision = decide(requestFacts(trip), selected, candidates.length > 0, this.parts.clock.now())
    return decision.action === 'hit' ? decision.chosen.stored.status : undefined
  }

  /** Resolves once what is fetched now for the key of this is over, and stored. */
  settledFor(x: Exchange): Promise<void> {
    const trip = this.#tripOf(x)
    return this.#flights.settledFor(this.#addressed(trip).text)
  }

  #tripOf(x: Exchange): Trip {
    const rule = this.#rules.match(x.request.path)
    return {
      x,
      rule,
      identity: identify(x.request, rule),
      directives: directivesOf(x, rule),
      unkeyed: ALL_FORWARDED,
      attempts: 0,
      arrivedAt: 0,
      lookedUpAt: 0,
      literal: false,
    }
  }

  #begin(x: Exchange): boolean {
    const trip = this.#tripOf(x)
    const { rule, identity } = trip
    const bypass = bypassReason(x.request, identity, rule, this.parts.settings.limits.maxUrlLength)
    if (bypass !== undefined) {
      this.#flights.pass(trip, bypass)
      return false
    }
    trip.identity = this.#addressed(trip)
    if (x.warming !== undefined) this.parts.uses.enough(trip.identity.text)
    const hit = x.warming === undefined ? this.#memory.answer(trip) : 'none'
    if (hit === 'none' && rule.layer !== undefined && !this.#servesTile(trip, rule.layer)) return true
    if (hit === 'none') this.#slow(trip)
    return hit === 'answered'
  }

  /** key: by what No-Vary-Search makes of the URL, where that is known of its path and not found wrong for this request. */
  #addressed({ x, rule, identity, literal }: Trip): Identity {
    const asked = identity.asked ?? identity
    if (!rule.noVarySearch || literal || x.request.query === undefined) return asked
    const variance = this.parts.variances.find(asked.url)
    return variance === undefined ? asked : asked.simplified(variance, x.origin.once !== true)
  }

  /** A tile that lies outside of its layer is answered with 404 here, if the rule says so: the origin is not asked. */
  #servesTile({ x, identity, rule }: Trip, layer: RuleLayer): boolean {
    const tile = tileOf(identity, rule)
    x.outcome.tile = tile === 'none' ? undefined : tile
    if (tile === undefined || layer.serves(tile)) return true
    this.#own.outsideLayer(x, layer)
    return false
  }

  #slow(trip: Trip): void {
    this.#lookup(trip).catch((error: unknown) => this.#own.broken(trip.x, error))
  }

  /** lookup in the stores, then decide. */
  async #lookup(trip: Trip): Promise<void> {
    const { parts } = this
    const { x, identity } = trip
    x.outcome.key = identity.key
    const started = parts.clock.monotonic()
    trip.lookedUpAt = started
    if (trip.attempts === 0) trip.arrivedAt = started
    let live: readonly EntryCandidate[] = []
    let fence: FenceState | undefined
    try {
      const pending = parts.fence.lookup(identity.key)
      const found = pending instanceof Promise ? await pending : pending
      fence = found.fence
      live = this.#live(trip, found.entries)
    } catch (error) {
      // P5: a broken tier is a miss. It is counted here and shown by the tier's health.
      parts.stats.storeFailures++
      parts.events.warn('lookup-failed', { url: identity.url, error: messageOf(error) })
    }
    const candidates = answering(trip, live)
    if (candidates.length === 0 && live.length > 0) {
      // What is there answers for other URLs: on by the one that was asked for.
      trip.literal = true
      trip.identity = this.#addressed(trip)
      return this.#lookup(trip)
    }
    x.outcome.lookupMs = parts.clock.monotonic() - started
    if (x.responder.closed) return
    const selected = selectCandidate(candidates, name => valueOf(x.request, name))
    const decision = decide(requestFacts(trip), selected, candidates.length > 0, parts.clock.now())
    await this.#act(trip, told(trip, decision), fence)
  }

  /** Those that no invalidation has killed. */
  #live({ rule, x }: Trip, entries: readonly Entry[]): readonly EntryCandidate[] {
    const { fence, variances } = this.parts
    const live: EntryCandidate[] = []
    for (const entry of entries) {
      const verdict = fence.verdict(entry)
      if (verdict === 'dead') continue
      const isOld = x.warming !== undefined && entry.responseTime < x.warming.since
      live.push(candidateOf(entry, rule, verdict === 'soft' || isOld))
      if (rule.noVarySearch) variances.recall(entry)
    }
    return live
  }

  async #act(trip: Trip, decision: Decision<EntryCandidate>, fence: FenceState | undefined): Promise<void> {
    switch (decision.action) {
      case 'hit':
        return this.#answers.answer(trip, decision.chosen, 'HIT', decision.detail, decision.ttl)
      case 'stale':
        await this.#answers.answer(trip, decision.chosen, 'STALE', decision.detail, decision.ttl)
        if (decision.refresh) this.#flights.refreshInBackground(trip, decision.chosen, fence)
        return
      case 'unsatisfiable':
        return this.#own.refuse(
          trip.x,
          new StrataError('STRATA_ONLY_IF_CACHED', 'not in the cache, and the request said only-if-cached'),
        )
      case 'revalidate':
      case 'fetch':
        return this.#flights.fly(trip, decision, fence)
    }
  }
}

/** ms; negative when it is stale. */
function freshnessLeft({ policy, initialAge, stored }: EntryCandidate, now: number): number {
  return policy.lifetime * 1000 - currentAge(initialAge, stored.responseTime, now)
}
