import { StrataError } from '../errors.js'
import { mayStandIn } from '../http/judge.js'
import { acceptsCoding } from '../http/content-coding.js'
import { fieldValue } from '../http/fields.js'
import { assess, contentLength, valueOf, type Assessment, type Unwanted } from './assess.js'
import type { EntryCandidate } from './candidates.js'
import type { Flight, FlightHead } from './flight.js'
import { originRequest, type ForwardMode } from './forward.js'
import { LeadFill } from './lead-fill.js'
import type { LeadPlan } from './lead-plan.js'
import type { ResponseHead } from './origin.js'
import { OriginTurns, type OriginTaker } from './origin-turns.js'
import { completeFrom } from './partials.js'
import type { Parts } from './parts.js'
import type { FenceState, RawFields } from './ports/index.js'
import { withLayerCors } from './layer-cors.js'
import { StoredResponses } from './stored-responses.js'

/** Leads a flight: sends the request, judges the answer, fills the store, and hands the answer to the flight's readers. */
export class Lead implements OriginTaker {
  /** Undefined once all that is left is to commit: what it holds of the request and its client need not wait for that. */
  #plan: LeadPlan | undefined
  readonly #turns: OriginTurns
  #fill: LeadFill | undefined
  #bytes = 0
  #expected: number | undefined
  #requestTime = 0
  #mode: ForwardMode
  #stamp: FenceState | undefined
  #passing = false
  #over = false
  /** Time from sending the request to the head, ms. */
  originMs = 0
  originStatus: number | undefined

  constructor(
    private readonly parts: Parts,
    plan: LeadPlan,
    private readonly flight: Flight,
  ) {
    this.#plan = plan
    this.#mode = plan.mode
    this.#stamp = shared(plan.stamp, parts.fence.state())
    this.#turns = new OriginTurns(plan.origin, this)
    flight.ledBy(this)
  }

  private get plan(): LeadPlan {
    if (this.#plan === undefined) throw new Error('the flight is over')
    return this.#plan
  }

  /** The fence before the origin was contacted, or after what the request itself has invalidated. */
  get stamp(): FenceState | undefined {
    return this.#stamp
  }

  start(): void {
    const { request, identity, rule, unkeyed } = this.plan
    this.#requestTime = this.parts.clock.now()
    this.parts.stats.originRequests++
    this.#turns.begin(originRequest(request, identity, this.#mode, rule, unkeyed))
  }

  onInterim(status: number, fields: RawFields): void {
    this.plan.onInterim(status, fields)
  }

  /** A fault of ours: told, and answered as such; it never ends the process. */
  onBroken(error: unknown): void {
    this.parts.events.warn('internal-error', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
    this.#turns.drop()
    this.#fill?.abort()
    this.#over = true
    this.flight.fail(new StrataError('STRATA_INTERNAL', 'internal error; the log has it', { cause: error }))
  }

  /** All readers are ready again. */
  resume(): void {
    if (!this.flight.blocked && this.#fill?.blocked !== true) this.#turns.resume()
  }

  /** Nobody reads: go on for the sake of the store (and of what an unsafe request invalidates), or drop the request. */
  deserted(): void {
    if (this.#over) return
    const { mode, beforeHead, isAlone } = this.plan
    if (this.#passing || (mode.kind === 'pass' && beforeHead === undefined)) this.#abort()
    else if (this.#fill === undefined && isAlone()) this.#turns.deserted()
  }

  onHead(sent: ResponseHead): void {
    const head = withLayerCors(sent, this.plan.rule)
    const { clock } = this.parts
    const responseTime = clock.now()
    this.originMs = responseTime - this.#requestTime
    this.originStatus = head.status
    if (this.#mode.kind === 'complete' && head.status === 206) {
      return this.#turns.hold(() => this.#complete(head, responseTime))
    }
    const { beforeHead } = this.plan
    if (beforeHead === undefined) return this.#judge(head, responseTime)
    this.#turns.hold(async () => {
      const raised = await beforeHead(head)
      // Only this answer's own invalidation lies between its stamp and now: it is itself the newest content.
      const stamp = this.#stamp
      if (raised !== undefined && stamp?.epoch === raised.epoch && raised.seq === stamp.seq + 1)
        this.#stamp = raised
      this.#judge(head, responseTime)
    })
  }

  #judge(head: ResponseHead, responseTime: number): void {
    if (this.#isUnreadable(head)) {
      this.#turns.drop()
      const message = "the origin's answer is in a content coding that the request rules out"
      return this.onFailure(new StrataError('STRATA_ORIGIN_INVALID', message))
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
        this.#turns.ignoreRest()
        return void this.#refresh(candidate!, head.fields, responseTime)
      case 'refetch':
        this.#turns.ignoreRest()
        return this.#refetch()
      case 'stale':
        this.#turns.drop()
        return this.flight.stored(candidate!, 'STALE', assessment.detail)
      case 'pass':
        return this.#pass(head, assessment.refusal, responseTime)
      case 'share':
        return this.#share(head, assessment)
      case 'store':
        return this.#store(head, assessment)
    }
  }

  onData(chunk: Buffer): void {
    this.#bytes += chunk.length
    this.parts.stats.bytesFetched += chunk.length
    this.#fill?.write(chunk)
    this.flight.chunk(chunk)
    // After the last byte only the end can come. Held back, it would hold back who asks again on the connection of a client that has
    // all of its Content-Length: that answer has to wait for this one's end, and this flight for that reader.
    if (this.#bytes !== this.#expected && (this.flight.blocked || this.#fill?.blocked === true))
      this.#turns.pause()
    if (this.#passing && this.flight.deserted) this.#abort()
  }

  onEnd(): void {
    if (
      this.#expected !== undefined &&
      this.#expected !== this.#bytes &&
      this.plan.request.method !== 'HEAD'
    ) {
      const message = `the origin sent ${this.#bytes} of ${this.#expected} bytes`
      return this.onFailure(new StrataError('STRATA_ORIGIN_TRUNCATED', message))
    }
    this.#finish()
    this.flight.end()
    const { flight } = this
    if (this.#fill === undefined) return flight.settle()
    this.#plan = undefined
    void this.#fill.finish().then(() => flight.settle())
  }

  onFailure(error: StrataError): void {
    this.#finish()
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
      unwanted: this.#unwanted(identity.text),
      requestTime: this.#requestTime,
      responseTime,
      head,
    })
  }

  #unwanted(text: string): Unwanted | undefined {
    const { uses, room } = this.parts
    if (!uses.suffice(text)) return 'min-uses'
    return room.isFull ? 'store-full' : undefined
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
        void this.#stored().updateByHead(candidate, head, this.#requestTime, responseTime)
      // What the origin says now takes the place of what it said before, though it may not be stored itself.
      else if (request.method === 'GET' && head.status !== 206) void this.#stored().discard(candidate)
    }
    this.#tell(head, { sharedFields: head.fields, sharedUntil: 0, bornAt: responseTime, refusal })
    if (this.flight.deserted) this.#abort()
  }

  /** For all who wait; none of it is kept, so it ends with the last of them. */
  #share(head: ResponseHead, assessment: Assessment & { action: 'share' }): void {
    const { fields: sharedFields, freshUntil: sharedUntil, bornAt, refusal: unstored } = assessment
    this.#passing = true
    this.#expected = contentLength(head)
    this.#tell(head, { sharedFields, sharedUntil, bornAt, refusal: undefined, unstored })
    if (this.flight.deserted) this.#abort()
  }

  #store(head: ResponseHead, assessment: Assessment & { action: 'store' }): void {
    const { entry, address, freshUntil, bornAt } = assessment
    this.#expected =
      entry.range !== undefined && this.parts.settings.http.inexactContentRange
        ? undefined
        : contentLength(head)
    if (this.plan.rule.noVarySearch) this.parts.variances.learn(entry)
    if (address.text !== this.plan.identity.text) this.plan.onAddressed(address)
    this.#fill = new LeadFill(this.parts, this.plan, assessment, () => this.resume())
    const { fields: sharedFields, key } = entry
    this.#tell(head, { sharedFields, sharedUntil: freshUntil, bornAt, refusal: undefined, key })
  }

  #tell(head: ResponseHead, judged: Omit<FlightHead, keyof ResponseHead>): void {
    const { status, reason, fields, delimited } = head
    const { sharedFields, sharedUntil, bornAt, refusal, unstored, key } = judged
    // One literal, one shape; a spread makes each a costly one of its own.
    this.flight.head({
      status,
      reason,
      fields,
      delimited,
      sharedFields,
      sharedUntil,
      bornAt,
      refusal,
      unstored,
      key,
    })
  }

  /** RFC 9111 §4.3.4: the 304 makes the stored response fresh again. */
  async #refresh(candidate: EntryCandidate, fields: RawFields, responseTime: number): Promise<void> {
    const refreshed = await this.#stored().refresh(candidate, fields, this.#requestTime, responseTime)
    this.#finish()
    if (refreshed === undefined) this.flight.stored(candidate, 'REVALIDATED', 'no-longer-storable')
    else this.flight.stored(refreshed, 'REVALIDATED', 'not-modified')
  }

  /** A 206 that completes what is stored becomes the whole 200; one that does not fit is asked for again, whole. */
  async #complete(head: ResponseHead, responseTime: number): Promise<void> {
    const whole = await completeFrom(this.parts.smallBodies, this.plan.candidate!, head).catch(
      () => undefined,
    )
    if (whole === undefined) {
      this.#turns.drop()
      return this.#refetch()
    }
    this.#mode = { kind: 'fetch', range: false }
    const assessment = this.#assess(whole.head, responseTime)
    this.plan.onJudged('complete', undefined, true)
    if (assessment.action === 'store') this.#store(whole.head, assessment)
    else this.#pass(whole.head, assessment.action, responseTime)
    this.onData(whole.before)
  }

  #stored(): StoredResponses {
    return new StoredResponses(this.parts, this.plan)
  }

  #refetch(): void {
    this.#mode = { kind: 'fetch', range: false }
    this.start()
  }

  #abort(): void {
    this.#over = true
    this.#turns.drop()
    this.flight.settle()
  }

  /** Nothing more counts, and nobody's leaving matters. */
  #finish(): void {
    this.#over = true
    this.#turns.end()
  }
}

/** Entries keep their stamps: most have the same, and need not each have an object of their own. */
function shared(stamp: FenceState | undefined, current: FenceState): FenceState | undefined {
  return stamp?.epoch === current.epoch && stamp.seq === current.seq ? current : stamp
}
