import { LRUCache } from 'lru-cache'
import { StrataError, isStrataError, messageOf } from '../errors.js'
import { NO_CACHE_CONTROL, parseCacheControl, type CacheControl } from '../http/cache-control.js'
import { decide, type Decision } from '../http/decide.js'
import { completingRange } from '../http/partial.js'
import { valueOf } from './assess.js'
import { readSmall } from './body/read.js'
import { candidateOf, selectCandidate, type EntryCandidate } from './candidates.js'
import { ClientReader } from './client-reader.js'
import { deliverStored, type Deliverable } from './deliver.js'
import type { CacheResult, Exchange } from './exchange.js'
import { Flight } from './flight.js'
import { bypassReason, type ForwardMode } from './forward.js'
import { identify, type Identity } from './identity.js'
import { invalidateAfter, isUnsafe } from './invalidate-after.js'
import { Lead } from './lead.js'
import type { Resident } from './memory-tier.js'
import type { Parts } from './parts.js'
import type { FenceState } from './ports/index.js'
import { residentOf, baseFieldsOf } from './resident.js'
import { Rules, type Rule } from './rules.js'

/** One request on its way: what the steps have found so far. */
interface Trip {
  readonly x: Exchange
  readonly rule: Rule
  readonly identity: Identity
  readonly directives: CacheControl
  /** Times it was sent back to `lookup`: released by a flight, or a body could not be read. */
  attempts: number
}

interface Running {
  readonly flight: Flight
  readonly lead: Lead
  readonly leader: Exchange['request']
}

const ONLY_IF_CACHED = /only-if-cached/i

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
  readonly #flights = new Map<string, Running>()
  readonly #uncacheable: LRUCache<string, true>
  #background = 0

  constructor(private readonly parts: Parts) {
    const { limits } = parts.settings
    this.#rules = new Rules(parts.settings)
    this.#uncacheable = new LRUCache({
      max: limits.hitForMissEntries,
      ttl: limits.hitForMissMs,
      ttlAutopurge: false,
    })
  }

  /** receive: returns at once; a hit in memory is answered before it returns. Never throws. */
  run(x: Exchange): void {
    try {
      this.#begin(x)
    } catch (error) {
      this.#broken(x, error)
    }
  }

  get flights(): number {
    return this.#flights.size
  }

  #begin(x: Exchange): void {
    const rule = this.#rules.match(x.request.path)
    const identity = identify(x.request, rule)
    const trip: Trip = { x, rule, identity, directives: directivesOf(x, rule), attempts: 0 }
    const bypass = bypassReason(x.request, identity, rule, this.parts.settings.limits.maxUrlLength)
    if (bypass !== undefined) return this.#pass(trip, bypass)
    const residents = this.parts.memory.find(identity.text)
    if (residents !== undefined && this.#hitInMemory(trip, residents)) return
    this.#slow(trip)
  }

  /** lookup and decide in memory: no promise, no hash. False: it takes the stores, or the origin. */
  #hitInMemory(trip: Trip, residents: readonly Resident[]): boolean {
    const { parts } = this
    const { x, directives } = trip
    if (!parts.lease.holds()) return false
    const get = (name: string) => valueOf(x.request, name)
    const chosen = selectCandidate(residents, get)
    if (chosen === undefined || parts.fence.verdict(chosen.stored, chosen.checkedSeq) !== 'live') return false
    const now = parts.clock.now()
    const decision = decide(requestFacts(trip, directives), chosen, false, now)
    if (decision.action !== 'hit') return false
    const { outcome } = x
    outcome.tier = 'memory'
    if (parts.settings.http.exposeKey) outcome.key = trip.identity.key
    this.#deliver(trip, chosen, 'HIT', decision.detail, decision.ttl)
    parts.stats.memoryHits++
    return true
  }

  #slow(trip: Trip): void {
    this.#lookup(trip).catch((error: unknown) => this.#broken(trip.x, error))
  }

  /** lookup in the stores, then decide. */
  async #lookup(trip: Trip): Promise<void> {
    const { parts } = this
    const { x, rule, identity } = trip
    x.outcome.key = identity.key
    const started = parts.clock.monotonic()
    let candidates: EntryCandidate[] = []
    let fence: FenceState | undefined
    try {
      const pending = parts.fence.lookup(identity.key)
      const found = pending instanceof Promise ? await pending : pending
      fence = found.fence
      for (const entry of found.entries) {
        const verdict = parts.fence.verdict(entry)
        if (verdict !== 'dead') candidates.push(candidateOf(entry, rule, verdict === 'soft'))
      }
    } catch (error) {
      // P5: a broken tier is a miss. It is counted here and shown by the tier's health.
      parts.stats.storeFailures++
      parts.events.warn('lookup-failed', { url: identity.url, error: messageOf(error) })
      candidates = []
    }
    x.outcome.lookupMs = parts.clock.monotonic() - started
    if (x.responder.closed) return
    const selected = selectCandidate(candidates, name => valueOf(x.request, name))
    const decision = decide(
      requestFacts(trip, trip.directives),
      selected,
      candidates.length > 0,
      parts.clock.now(),
    )
    await this.#act(trip, decision, fence)
  }

  async #act(trip: Trip, decision: Decision<EntryCandidate>, fence: FenceState | undefined): Promise<void> {
    switch (decision.action) {
      case 'hit':
        return this.#answer(trip, decision.chosen, 'HIT', decision.detail, decision.ttl)
      case 'stale':
        await this.#answer(trip, decision.chosen, 'STALE', decision.detail, decision.ttl)
        if (decision.refresh) this.#refreshInBackground(trip, decision.chosen, fence)
        return
      case 'unsatisfiable':
        return this.#refuse(
          trip,
          new StrataError('STRATA_ONLY_IF_CACHED', 'not in the cache, and the request said only-if-cached'),
        )
      case 'revalidate':
      case 'fetch':
        return this.#fly(trip, decision, fence)
    }
  }

  /** deliver from the stores: a small body whole and checked (and into memory), a large one as it streams. */
  async #answer(
    trip: Trip,
    chosen: EntryCandidate,
    result: CacheResult,
    detail: string,
    ttl: number,
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
        bytes = await readSmall(parts.bodies, ref)
        // A purge that came while the body was read is newer than this request: it may still be answered, but not be kept.
        if (!chosen.soft)
          parts.memory.put(trip.identity.text, residentOf(chosen, bytes, checkedSeq, parts.answers))
      }
      const stored = { ...chosen, body: bytes, baseFields: baseFieldsOf(chosen, parts.answers) }
      await this.#deliver(trip, stored, result, detail, ttl)
    } catch (error) {
      await this.#bodyFailed(trip, chosen, error)
    }
  }

  #deliver(
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
    const seconds = Math.floor(ttl / 1000)
    const status = hit
      ? { hit: true, ttl: seconds, detail }
      : { fwd: 'stale' as const, fwdStatus: outcome.originStatus, collapsed: outcome.collapsed, detail }
    parts.accessLog.note(stored.stored.key, stored.stored.variant, now)
    const { withoutLastModified } = parts.settings.http
    return deliverStored(x, stored, { result, status, now, withoutLastModified }, parts.answers, parts.bodies)
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
    await this.#act(
      trip,
      { action: 'fetch', chosen: undefined, reason: 'uri-miss', detail: 'body-failed' },
      parts.fence.state(),
    )
  }

  /** flight: joins the one that runs for this key, or leads a new one. */
  #fly(
    trip: Trip,
    decision: Decision<EntryCandidate> & { action: 'revalidate' | 'fetch' },
    fence: FenceState | undefined,
  ): void {
    const { x, rule, identity } = trip
    const name = flightName(trip, fence)
    const coalesces =
      rule.coalesce &&
      trip.attempts < 2 &&
      x.request.headers.authorization === undefined &&
      !this.#uncacheable.has(identity.text)
    const running = coalesces ? this.#flights.get(name) : undefined
    if (running !== undefined) return this.#follow(trip, running, decision)
    const started = this.#lead(
      trip,
      decision.chosen,
      modeOf(trip, decision),
      fence,
      coalesces ? name : undefined,
    )
    this.#reader(trip, decision, started, true).join(started.flight)
    started.lead.start()
  }

  #follow(
    trip: Trip,
    running: Running,
    decision: Decision<EntryCandidate> & { action: 'revalidate' | 'fetch' },
  ): void {
    const { parts } = this
    parts.stats.followers++
    const { responder } = trip.x
    const again = () => {
      trip.attempts++
      this.#slow(trip)
    }
    let cancel = () => {}
    const reader = this.#reader(trip, decision, running, false, () => cancel())
    const joined = reader.join(running.flight)
    if (!joined)
      running.flight.whenSettled(() => void (cancel(), !responder.closed && !responder.headSent && again()))
    if (responder.headSent || responder.closed) return
    const timer = setTimeout(() => {
      if (responder.headSent || responder.closed) return
      reader.leave()
      this.#refuse(
        trip,
        new StrataError('STRATA_ORIGIN_TIMEOUT', 'waited too long for the request that is already under way'),
      )
    }, parts.settings.limits.followerWaitMs)
    timer.unref()
    cancel = () => clearTimeout(timer)
  }

  #reader(
    trip: Trip,
    decision: { reason: 'uri-miss' | 'vary-miss' | 'request' | 'stale' | 'partial'; detail: string },
    running: Running,
    leads: boolean,
    onSettled: () => void = () => {},
  ): ClientReader {
    const { parts } = this
    return new ClientReader(trip.x, {
      leads,
      leader: running.leader,
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
        this.#answer(trip, entry, result, detail, 0).catch((error: unknown) => this.#broken(trip.x, error))
      },
      onReleased: () => {
        trip.attempts++
        this.#slow(trip)
      },
    })
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
        onInterim: (status, fields) => x.responder.interim(status, fields),
        beforeHead: isUnsafe(x.request.method)
          ? head => invalidateAfter(parts, { x, identity, mayHold: url => this.#mayHold(url, trip) }, head)
          : undefined,
        onJudged: action => {
          if (action === 'pass' && mode.kind !== 'pass') {
            this.#uncacheable.set(identity.text, true)
            if (name !== undefined) this.#flights.delete(name)
          } else if (action === 'store') this.#uncacheable.delete(identity.text)
        },
      },
      flight,
    )
    const running = { flight, lead, leader: x.request }
    if (name !== undefined) {
      this.#flights.set(name, running)
      flight.whenSettled(() => {
        if (this.#flights.get(name) === running) this.#flights.delete(name)
      })
    }
    return running
  }

  /** The client has its stale answer; the origin is asked for a newer one (RFC 5861 §3), once per key. */
  #refreshInBackground(trip: Trip, chosen: EntryCandidate, fence: FenceState | undefined): void {
    const name = flightName(trip, fence)
    if (this.#flights.has(name) || this.#background >= this.parts.settings.limits.maxBackground) return
    this.#background++
    const mode = modeOf(trip, { action: chosen.soft ? 'fetch' : 'revalidate', chosen })
    const { flight, lead } = this.#lead(trip, chosen, mode, fence, name)
    flight.whenSettled(() => this.#background--)
    lead.start()
  }

  /** Past the cache: streams, and nothing is stored (but a POST response that may answer later GETs). */
  #pass(trip: Trip, reason: string): void {
    const { x } = trip
    if (
      ONLY_IF_CACHED.test(String(x.request.headers['cache-control'] ?? '')) &&
      trip.rule.requestDirectives !== 'ignore'
    ) {
      return this.#refuse(
        trip,
        new StrataError('STRATA_ONLY_IF_CACHED', 'this request never is, and it said only-if-cached'),
      )
    }
    const stamp = isUnsafe(x.request.method) ? this.parts.fence.state() : undefined
    const running = this.#lead(trip, undefined, { kind: 'pass' }, stamp, undefined)
    const reader = new ClientReader(x, {
      leads: true,
      leader: x.request,
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
      onStored: () => this.#broken(x, new Error('a pass was answered from the store')),
      onReleased: () => this.#broken(x, new Error('the leader of a pass was released')),
    })
    reader.join(running.flight)
    running.lead.start()
  }

  /** Whether anything is stored, or just being fetched here, for a URL. A mark for each POST to what is never cached would fill the log. */
  async #mayHold(url: string, { x }: Trip): Promise<boolean> {
    const { pathname, search, protocol, host } = new URL(url)
    const rule = this.#rules.match(pathname)
    if (rule.keyHeaders.length > 0 || rule.keyCookies.length > 0) return true
    const request = { ...x.request, path: pathname, query: search === '' ? undefined : search.slice(1) }
    const own = identify(
      { ...request, scheme: protocol === 'https:' ? 'https' : 'http', authority: host },
      rule,
    )
    for (const name of this.#flights.keys()) if (name.endsWith(`\n${own.text}`)) return true
    try {
      return (await this.parts.metadata.lookup(own.key)).entries.length > 0
    } catch {
      // Not known: then the mark is what can be tried.
      return true
    }
  }

  #refuse({ x }: Trip, error: StrataError): void {
    x.outcome.result = 'MISS'
    x.outcome.detail = error.code
    const trace = this.parts.answers.trace('MISS', { fwd: 'request', detail: error.code }, x.outcome.key)
    x.outcome.cacheStatus = trace[3]!
    x.responder.fail(error, trace)
  }

  /** A fault of ours: answered as such, and told. */
  #broken(x: Exchange, error: unknown): void {
    this.parts.events.warn('internal-error', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
    this.parts.stats.errors++
    const trace = this.parts.answers.trace('MISS', { fwd: 'miss', detail: 'STRATA_INTERNAL' }, x.outcome.key)
    x.responder.fail(
      new StrataError('STRATA_INTERNAL', 'internal error; the log has it', { cause: error }),
      trace,
    )
  }
}

function requestFacts(trip: Trip, directives: CacheControl) {
  const { method, headers } = trip.x.request
  return {
    method,
    directives,
    hasAuthorization: headers.authorization !== undefined,
    range: method === 'GET' ? (headers.range as string | undefined) : undefined,
  }
}

/** The request's directives as far as the rule honours them (RFC 9111 §5.2.1, §5.4). */
function directivesOf(x: Exchange, rule: Rule): CacheControl {
  const { headers } = x.request
  const text = headers['cache-control'] as string | undefined
  if (rule.requestDirectives === 'ignore') return NO_CACHE_CONTROL
  if (text === undefined) {
    const pragma = rule.requestDirectives === 'honour' && /no-cache/i.test(String(headers.pragma ?? ''))
    return pragma ? parseCacheControl(['no-cache']) : NO_CACHE_CONTROL
  }
  if (rule.requestDirectives === 'honour') return parseCacheControl([text])
  return ONLY_IF_CACHED.test(text) && parseCacheControl([text]).has('only-if-cached')
    ? parseCacheControl(['only-if-cached'])
    : NO_CACHE_CONTROL
}

/** Flights are keyed with the fence, so that nobody joins one that began before an invalidation (P1). */
function flightName({ x, identity }: Trip, fence: FenceState | undefined): string {
  const { method, headers } = x.request
  const range =
    method === 'GET' && headers.range !== undefined
      ? `${String(headers.range)}\n${String(headers['if-range'] ?? '')}`
      : ''
  return `${method}\n${fence?.epoch ?? ''}:${fence?.seq ?? ''}\n${range}\n${identity.text}`
}

function modeOf(
  trip: Trip,
  decision: { action: 'revalidate' | 'fetch'; chosen: EntryCandidate | undefined },
): ForwardMode {
  const { chosen } = decision
  if (decision.action === 'revalidate') return { kind: 'revalidate', validators: chosen!.policy }
  const { request } = trip.x
  if (
    request.method === 'GET' &&
    request.headers.range === undefined &&
    chosen?.stored.range !== undefined &&
    !chosen.soft
  ) {
    const range = completingRange(chosen.stored.range)
    if (range !== undefined) return { kind: 'complete', range, validators: chosen.policy }
  }
  return { kind: 'fetch', range: request.method === 'GET' }
}
