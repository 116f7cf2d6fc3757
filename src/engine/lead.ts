import { StrataError } from '../errors.js'
import { mayStandIn } from '../http/judge.js'
import { acceptsCoding } from '../http/content-coding.js'
import { fieldValue } from '../http/fields.js'
import { assess, contentLength, valueOf, type Assessment } from './assess.js'
import { candidateOf, type EntryCandidate } from './candidates.js'
import type { ClientRequest } from './exchange.js'
import { Fill, type FillResult } from './fill.js'
import type { Flight } from './flight.js'
import { originRequest, type ForwardMode } from './forward.js'
import type { Identity } from './identity.js'
import type { FlowControl, Origin, OriginCall, OriginSink, ResponseHead } from './origin.js'
import { combinePartial, completeFrom } from './partials.js'
import type { Parts } from './parts.js'
import type { Entry, FenceState, RawFields } from './ports/index.js'
import { residentOf } from './resident.js'
import { withLayerCors } from './layer-cors.js'
import type { Rule } from './rules.js'
import { StoredResponses } from './stored-responses.js'
import type { UnkeyedFields } from './unkeyed-fields.js'

export interface LeadPlan {
  readonly request: ClientRequest
  readonly origin: Origin
  readonly identity: Identity
  readonly rule: Rule
  readonly mode: ForwardMode
  readonly stamp: FenceState | undefined
  readonly candidate: EntryCandidate | undefined
  readonly unkeyed: UnkeyedFields
  /** Nobody asks for it: what comes does not push out of memory what somebody does. */
  readonly isWarming: boolean
  /** Told what has been stored, and lives. */
  readonly onStored: ((entry: Entry) => void) | undefined
  /** Nobody can join this flight. */
  readonly isAlone: () => boolean
  /** Runs before an answer is judged and delivered (invalidation by unsafe methods); gives the fence after it if it raised it. */
  readonly beforeHead: ((head: ResponseHead) => Promise<FenceState | undefined>) | undefined
  /** Told what came of it, once: for counters, hit-for-miss and logs. */
  readonly onJudged: (
    assessment: Assessment['action'] | 'complete',
    refusal: string | undefined,
    isShared: boolean,
  ) => void
  /** What comes is going to be found elsewhere than where it was looked for. */
  readonly onAddressed: (address: Identity) => void
  readonly onInterim: (status: number, fields: RawFields) => void
}

/** Leads a flight: sends the request, judges the answer, fills the store, and hands the answer to the flight's readers. */
export class Lead {
  readonly #stored: StoredResponses
  #call: OriginCall | undefined
  #flow: FlowControl | undefined
  #fill: Fill | undefined
  #address: Identity
  #bytes = 0
  #expected: number | undefined
  #requestTime = 0
  #mode: ForwardMode
  #stamp: FenceState | undefined
  #current = 0
  #passing = false
  /** What came while a step waited for a store; it follows in order (a handler does not wait for us). */
  #held: (() => void)[] | undefined
  #over = false
  /** Time from sending the request to the head, ms. */
  originMs = 0
  originStatus: number | undefined

  constructor(
    private readonly parts: Parts,
    private readonly plan: LeadPlan,
    private readonly flight: Flight,
  ) {
    this.#mode = plan.mode
    this.#stamp = shared(plan.stamp, parts.fence.state())
    this.#address = plan.identity
    this.#stored = new StoredResponses(parts, plan)
  }

  /** The fence before the origin was contacted, or after what the request itself has invalidated. */
  get stamp(): FenceState | undefined {
    return this.#stamp
  }

  start(): void {
    const { request, identity, rule, origin } = this.plan
    this.#requestTime = this.parts.clock.now()
    this.parts.stats.originRequests++
    const call = ++this.#current
    const sent = originRequest(request, identity, this.#mode, rule, this.plan.unkeyed)
    this.#call = origin.fetch(sent, this.#sink(call))
  }

  /** Takes one call's answer for as long as it is the one that counts. */
  #sink(call: number): OriginSink {
    const guarded = <A extends unknown[]>(step: (...args: A) => void) => {
      const again = (...args: A): void => {
        if (call !== this.#current || this.#over) return
        if (this.#held !== undefined) return void this.#held.push(() => again(...args))
        try {
          step(...args)
        } catch (error) {
          this.#broken(error)
        }
      }
      return again
    }
    return {
      onInterim: guarded((status, fields) => this.plan.onInterim(status, fields)),
      onHead: guarded((head, flow) => this.#onHead(head, flow)),
      onData: guarded(chunk => this.#onData(chunk)),
      onEnd: guarded(() => this.#onEnd()),
      onFailure: guarded(error => this.#onFailure(error)),
    }
  }

  /** A fault of ours: told, and answered as such; it never ends the process. */
  #broken(error: unknown): void {
    this.parts.events.warn('internal-error', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
    this.#drop()
    this.#fill?.abort()
    this.#over = true
    this.flight.fail(new StrataError('STRATA_INTERNAL', 'internal error; the log has it', { cause: error }))
  }

  /** All readers are ready again. */
  resume(): void {
    if (!this.flight.blocked && this.#fill?.blocked !== true) this.#flow?.resume()
  }

  /** Nobody reads: go on for the sake of the store (and of what an unsafe request invalidates), or drop the request. */
  deserted(): void {
    if (this.#over) return
    const { mode, beforeHead, isAlone } = this.plan
    if (this.#passing || (mode.kind === 'pass' && beforeHead === undefined)) this.#abort()
    else if (this.#fill === undefined && isAlone()) this.#call?.deserted?.()
  }

  #onHead(sent: ResponseHead, flow: FlowControl): void {
    const head = withLayerCors(sent, this.plan.rule)
    const { clock } = this.parts
    this.#flow = flow
    const responseTime = clock.now()
    this.originMs = responseTime - this.#requestTime
    this.originStatus = head.status
    if (this.#mode.kind === 'complete' && head.status === 206) {
      return this.#hold(flow, () => this.#complete(head, responseTime))
    }
    const { beforeHead } = this.plan
    if (beforeHead === undefined) return this.#judge(head, responseTime)
    this.#hold(flow, async () => {
      const raised = await beforeHead(head)
      // Only this answer's own invalidation lies between its stamp and now: it is itself the newest content.
      const stamp = this.#stamp
      if (raised !== undefined && stamp?.epoch === raised.epoch && raised.seq === stamp.seq + 1)
        this.#stamp = raised
      this.#judge(head, responseTime)
    })
  }

  /** Runs a step that waits; what the origin sends meanwhile is held back, and follows it. */
  #hold(flow: FlowControl, step: () => Promise<void>): void {
    flow.pause()
    const held: (() => void)[] = []
    this.#held = held
    step()
      .then(() => {
        this.#held = undefined
        for (const event of held) event()
        this.resume()
      })
      .catch((error: unknown) => this.#broken(error))
  }

  #judge(head: ResponseHead, responseTime: number): void {
    if (this.#isUnreadable(head)) {
      this.#drop()
      const message = "the origin's answer is in a content coding that the request rules out"
      return this.#onFailure(new StrataError('STRATA_ORIGIN_INVALID', message))
    }
    const assessment = this.#assess(head, responseTime)
    const { candidate } = this.plan
    const shared = 'freshUntil' in assessment && assessment.freshUntil > responseTime
    this.plan.onJudged(
      assessment.action,
      assessment.action === 'pass' ? assessment.refusal : undefined,
      shared,
    )
    switch (assessment.action) {
      case 'refresh':
        this.#ignoreRest()
        return void this.#refresh(candidate!, head.fields, responseTime)
      case 'refetch':
        this.#ignoreRest()
        return this.#refetch()
      case 'stale':
        this.#drop()
        return this.flight.stored(candidate!, 'STALE', assessment.detail)
      case 'pass':
        return this.#pass(head, assessment.refusal, responseTime)
      case 'share':
        return this.#share(head, assessment)
      case 'store':
        return this.#store(head, assessment)
    }
  }

  #onData(chunk: Buffer): void {
    this.#bytes += chunk.length
    this.parts.stats.bytesFetched += chunk.length
    this.#fill?.write(chunk)
    this.flight.chunk(chunk)
    // After the last byte only the end can come. Held back, it would hold back who asks again on the connection of a client that has
    // all of its Content-Length: that answer has to wait for this one's end, and this flight for that reader.
    if (this.#bytes !== this.#expected && (this.flight.blocked || this.#fill?.blocked === true))
      this.#flow?.pause()
    if (this.#passing && this.flight.deserted) this.#abort()
  }

  #onEnd(): void {
    if (
      this.#expected !== undefined &&
      this.#expected !== this.#bytes &&
      this.plan.request.method !== 'HEAD'
    ) {
      const message = `the origin sent ${this.#bytes} of ${this.#expected} bytes`
      return this.#onFailure(new StrataError('STRATA_ORIGIN_TRUNCATED', message))
    }
    this.#over = true
    this.flight.end()
    if (this.#fill === undefined) return this.flight.settle()
    void this.#fill.finish().then(result => this.#filled(result))
  }

  #onFailure(error: StrataError): void {
    this.#over = true
    this.#fill?.abort()
    const { candidate } = this.plan
    const headWasOut = this.#fill !== undefined || this.#passing
    if (!headWasOut && candidate !== undefined && mayStandIn(candidate, this.parts.clock.now())) {
      return this.flight.stored(
        candidate,
        'STALE',
        error.code === 'STRATA_ORIGIN_TIMEOUT' ? 'origin-timeout' : 'origin-unreachable',
      )
    }
    this.parts.stats.originErrors++
    this.flight.fail(error)
  }

  #assess(head: ResponseHead, responseTime: number): Assessment {
    const { request, identity, rule, candidate, unkeyed } = this.plan
    // No spread of the plan: most of it is not asked for, and to copy it costs more than to judge.
    return assess({
      request,
      identity,
      rule,
      candidate,
      unkeyed,
      stamp: this.#stamp,
      settings: this.parts.settings,
      conditional: this.#mode.kind === 'revalidate',
      isWanted: this.parts.uses.suffice(identity.text),
      requestTime: this.#requestTime,
      responseTime,
      head,
    })
  }

  /** A client that names no coding gets what the origin chose (RFC 9110 §12.5.3). */
  #isUnreadable({ fields }: ResponseHead): boolean {
    const accept = valueOf(this.plan.request, 'accept-encoding')
    const coding = fieldValue(fields, 'content-encoding')
    if (accept === null || coding === undefined || acceptsCoding(accept, coding)) return false
    return this.parts.settings.http.unacceptedCoding === 'refuse'
  }

  #pass(head: ResponseHead, refusal: string, responseTime: number): void {
    const { candidate, request } = this.plan
    this.#passing = true
    this.#expected = contentLength(head)
    if (candidate !== undefined && head.status < 500) {
      if (request.method === 'HEAD')
        void this.#stored.updateByHead(candidate, head, this.#requestTime, responseTime)
      // What the origin says now takes the place of what it said before, though it may not be stored itself.
      else if (request.method === 'GET' && head.status !== 206) void this.#stored.discard(candidate)
    }
    this.flight.head({ ...head, sharedFields: head.fields, sharedUntil: 0, bornAt: responseTime, refusal })
    if (this.flight.deserted) this.#abort()
  }

  /** For all who wait; none of it is kept, so it ends with the last of them. */
  #share(head: ResponseHead, assessment: Assessment & { action: 'share' }): void {
    const { fields: sharedFields, freshUntil: sharedUntil, bornAt, refusal: unstored } = assessment
    this.#passing = true
    this.#expected = contentLength(head)
    this.flight.head({ ...head, sharedFields, sharedUntil, bornAt, refusal: undefined, unstored })
    if (this.flight.deserted) this.#abort()
  }

  #store(head: ResponseHead, assessment: Assessment & { action: 'store' }): void {
    const { entry, address, freshUntil, bornAt } = assessment
    this.#expected =
      entry.range !== undefined && this.parts.settings.http.inexactContentRange
        ? undefined
        : contentLength(head)
    this.#address = address
    if (this.plan.rule.noVarySearch) this.parts.variances.learn(entry)
    if (address.text !== this.plan.identity.text) this.plan.onAddressed(address)
    this.#fill = new Fill(this.#fillDeps(), this.#fillPlan(entry), () => this.resume())
    this.flight.head({
      status: head.status,
      reason: head.reason,
      fields: head.fields,
      delimited: head.delimited,
      sharedFields: entry.fields,
      sharedUntil: freshUntil,
      bornAt,
      refusal: undefined,
      key: entry.key,
    })
  }

  #fillDeps() {
    const { metadata, bodies, clock, pending, settings, fence } = this.parts
    const { maxVariants, smallBodyBytes, inlineBodyBytes, reservationMs } = settings.limits
    const { identity } = this.plan
    const commit = (entry: Entry, inline?: Buffer) =>
      // A purge of the key that it was asked for by means this content too.
      entry.key === identity.key
        ? fence.commitChecked(entry, { maxVariants, inline })
        : fence.commitChecked(entry, { maxVariants, inline }, { ...entry, key: identity.key })
    return { metadata, bodies, clock, pending, commit, smallBodyBytes, inlineBodyBytes, reservationMs }
  }

  #fillPlan(entry: Omit<Entry, 'body'>) {
    const { candidate, rule } = this.plan
    const { settings, smallBodies } = this.parts
    const part = entry.range !== undefined && candidate?.stored.range !== undefined ? candidate : undefined
    return {
      entry,
      maxBodyBytes: rule.maxBodyBytes,
      exactRange: !settings.http.inexactContentRange,
      combine:
        part === undefined ? undefined : (bytes: Buffer) => combinePartial(smallBodies, part, entry, bytes),
    }
  }

  #filled(result: FillResult): void {
    const { parts, plan } = this
    if (result.stored) {
      parts.stats.fills++
      const { entry, bytes, seq } = result
      // What is newer went elsewhere: where it was looked for, nothing older may be found.
      const { candidate } = plan
      if (candidate !== undefined && candidate.stored.key !== entry.key) void this.#stored.discard(candidate)
      const soft = parts.fence.verdict(entry) !== 'live' || parts.fence.verdict(entry, seq) !== 'live'
      if (!soft) plan.onStored?.(entry)
      if (bytes !== undefined && !soft && !plan.isWarming && parts.memory.takes(bytes.length)) {
        parts.memory.put(
          this.#address.text,
          residentOf(candidateOf(entry, plan.rule, false), bytes, parts.fence.state().seq),
        )
      }
    } else {
      parts.stats.fillFailures++
      if (result.reason !== 'too-large' && result.reason !== 'fenced') {
        parts.events.warn('fill-failed', {
          url: plan.identity.url,
          reason: result.reason,
          error: result.error,
        })
      }
    }
    this.flight.settle()
  }

  /** RFC 9111 §4.3.4: the 304 makes the stored response fresh again. */
  async #refresh(candidate: EntryCandidate, fields: RawFields, responseTime: number): Promise<void> {
    const refreshed = await this.#stored.refresh(candidate, fields, this.#requestTime, responseTime)
    this.#over = true
    if (refreshed === undefined) this.flight.stored(candidate, 'REVALIDATED', 'no-longer-storable')
    else this.flight.stored(refreshed, 'REVALIDATED', 'not-modified')
  }

  /** A 206 that completes what is stored becomes the whole 200; one that does not fit is asked for again, whole. */
  async #complete(head: ResponseHead, responseTime: number): Promise<void> {
    const whole = await completeFrom(this.parts.smallBodies, this.plan.candidate!, head).catch(
      () => undefined,
    )
    if (whole === undefined) {
      this.#drop()
      return this.#refetch()
    }
    this.#mode = { kind: 'fetch', range: false }
    const assessment = this.#assess(whole.head, responseTime)
    this.plan.onJudged('complete', undefined, true)
    if (assessment.action === 'store') this.#store(whole.head, assessment)
    else this.#pass(whole.head, assessment.action, responseTime)
    this.#onData(whole.before)
  }

  #refetch(): void {
    this.#mode = { kind: 'fetch', range: false }
    this.#flow = undefined
    this.start()
  }

  /** What is still to come of this answer is nothing (a 304), or not wanted. */
  #ignoreRest(): void {
    this.#current++
  }

  #drop(): void {
    this.#ignoreRest()
    this.#call?.abort()
  }

  #abort(): void {
    this.#over = true
    this.#call?.abort()
    this.flight.settle()
  }
}

/** Entries keep their stamps: most have the same, and need not each have an object of their own. */
function shared(stamp: FenceState | undefined, current: FenceState): FenceState | undefined {
  return stamp?.epoch === current.epoch && stamp.seq === current.seq ? current : stamp
}
