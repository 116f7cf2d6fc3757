import type { StrataError } from '../errors.js'
import { evaluatePreconditions } from '../http/conditional.js'
import type { CacheStatus } from '../http/cache-status.js'
import { fieldValue } from '../http/fields.js'
import { policyOf } from '../http/policy.js'
import { authorizationPermits } from '../http/storable.js'
import { selectsByPreference } from '../http/vary.js'
import { notModifiedFields, type AnswerFields } from './answer-fields.js'
import { valueOf } from './assess.js'
import { mayAnswer, takesCoding, type EntryCandidate } from './candidates.js'
import { isConditional } from './deliver.js'
import type { CacheResult, ClientRequest, Exchange } from './exchange.js'
import type { Flight, FlightHead, FlightReader } from './flight.js'
import type { Entry, RawFields } from './ports/index.js'
import type { Rule } from './rules.js'
import { selectingOf } from './selecting.js'
import type { UnkeyedFields } from './unkeyed-fields.js'

export interface ReaderPlan {
  readonly leads: boolean
  /** The request of the flight's leader: what Vary is held against. */
  readonly leader: ClientRequest
  readonly unkeyed: UnkeyedFields
  readonly rule: Rule
  readonly answers: AnswerFields
  readonly fwd: NonNullable<CacheStatus['fwd']>
  readonly detail: string
  readonly result: CacheResult
  readonly withoutLastModified: 'date' | 'unmodified'
  readonly now: () => number
  /** Whether a response is one for the URL that this client asked for (No-Vary-Search). */
  readonly answersFor: (fields: RawFields, entry?: Entry) => boolean
  readonly onStored: (entry: EntryCandidate, result: CacheResult, detail: string) => void
  readonly onReleased: () => void
  /** First sign of an answer, or the end of all hope. */
  readonly onSettled: () => void
}

const NO_FIELDS: RawFields = []

/** One client that takes the answer from a flight as it comes. */
export class ClientReader implements FlightReader {
  #flight: Flight | undefined
  /** 304 or HEAD: the head is all that this client gets. */
  #bodyless = false

  constructor(
    private readonly x: Exchange,
    private readonly plan: ReaderPlan,
  ) {}

  /** Joins; false when it is too late for that flight. */
  join(flight: Flight): boolean {
    this.#flight = flight
    this.x.responder.onDrain(() => flight.ready(this))
    if (!flight.join(this)) return false
    this.x.responder.onClose(() => flight.leave(this))
    return true
  }

  isFor(head: FlightHead): boolean {
    return this.plan.answersFor(head.sharedFields)
  }

  /** Followers share only what the rules of a stored response would give them: the variant, the coding, §3.5. */
  accepts(head: FlightHead): boolean {
    if (this.plan.leads) return true
    if (this.plan.now() >= head.sharedUntil) return false
    const { request } = this.x
    const get = (name: string) => valueOf(request, name)
    const policy = policyOf({ ...head, responseTime: this.plan.now() }, this.plan.rule.policy)
    if (policy.vary === '*') return false
    if (request.headers.authorization !== undefined && !authorizationPermits(policy)) return false
    const { leader, unkeyed } = this.plan
    const sent = (name: string) => (unkeyed.dropped.has(name) ? null : valueOf(leader, name))
    const stored = selectingOf(policy.vary, unkeyed.own, head.fields, sent)
    if (!selectsByPreference(stored, head.fields, get)) return false
    return takesCoding(fieldValue(head.fields, 'content-encoding'), stored, get)
  }

  onHead(head: FlightHead, whole: boolean): void {
    this.plan.onSettled()
    const { responder, request, outcome } = this.x
    const { answers, leads } = this.plan
    outcome.originStatus = head.status
    outcome.collapsed = !leads
    outcome.tier = 'origin'
    if (head.key !== undefined) outcome.key = head.key
    outcome.result = whole ? 'HIT' : this.plan.result
    outcome.detail = this.#detail(head, whole)
    outcome.cacheStatus = answers.cacheStatus(this.#status(head, whole), outcome.key)
    const through = answers.through(leads ? head.fields : head.sharedFields, whole ? NO_FIELDS : head.fields)
    const isNotModified = head.status === 200 && isConditional(request) && this.#isNotModified(head)
    const fields = isNotModified ? notModifiedFields(through) : through
    fields.push('X-Cache', outcome.result, 'Cache-Status', outcome.cacheStatus)
    // A hit says its age, as any other (RFC 9111 §5.1).
    if (whole) fields.push('Age', String(Math.floor((this.plan.now() - head.bornAt) / 1000)))
    this.#bodyless = isNotModified || request.method === 'HEAD'
    if (isNotModified) responder.head(304, 'Not Modified', fields)
    else responder.head(head.status, head.reason, fields)
  }

  #detail(head: FlightHead, whole: boolean): string {
    if (whole) return 'being-stored'
    return this.plan.result === 'BYPASS'
      ? this.plan.detail
      : (head.refusal ?? head.unstored ?? this.plan.detail)
  }

  #status(head: FlightHead, whole: boolean) {
    const { fwd, leads } = this.plan
    const { detail } = this.x.outcome
    if (whole) return { hit: true, ttl: Math.floor((head.sharedUntil - this.plan.now()) / 1000), detail }
    const stored = head.refusal === undefined && head.unstored === undefined
    return { fwd, fwdStatus: head.status, stored, collapsed: !leads, detail }
  }

  onChunk(chunk: Buffer): boolean {
    const { responder, outcome } = this.x
    if (this.#bodyless || responder.closed) return true
    outcome.bytes += chunk.length
    return responder.write(chunk)
  }

  onEnd(): void {
    this.x.responder.end()
  }

  onFailure(error: StrataError): void {
    this.plan.onSettled()
    const { outcome, responder } = this.x
    outcome.result ??= this.plan.result
    outcome.detail = error.code
    const trace = this.plan.answers.trace(
      this.plan.result,
      { fwd: this.plan.fwd, detail: error.code },
      outcome.key,
    )
    outcome.cacheStatus = trace[3]!
    responder.fail(error, trace)
  }

  /** What the leader's variant has been confirmed to be, or stands in for it, is no answer to who asked for another one. */
  onStored(entry: EntryCandidate, result: CacheResult, detail: string): void {
    const { leads, answersFor } = this.plan
    if (!leads && !mayAnswer(entry, name => valueOf(this.x.request, name))) return this.onReleased()
    if (!answersFor(entry.stored.fields, entry.stored)) return this.onReleased()
    this.plan.onSettled()
    this.x.outcome.collapsed = !this.plan.leads
    this.plan.onStored(entry, result, detail)
  }

  onReleased(): void {
    this.plan.onSettled()
    this.plan.onReleased()
  }

  /** Gives up waiting; nothing has been sent. */
  leave(): void {
    this.#flight?.leave(this)
  }

  #isNotModified(head: FlightHead): boolean {
    const { headers, method } = this.x.request
    const now = this.plan.now()
    const request = {
      method,
      ifNoneMatch: headers['if-none-match'] as string | undefined,
      ifModifiedSince: headers['if-modified-since'] as string | undefined,
    }
    const stored = {
      etag: fieldValue(head.fields, 'etag'),
      lastModified: fieldValue(head.fields, 'last-modified'),
      date: fieldValue(head.fields, 'date'),
      responseTime: now,
    }
    return evaluatePreconditions(request, stored, now, this.plan) === 'not-modified'
  }
}
