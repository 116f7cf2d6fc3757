import { randomUUID } from 'node:crypto'
import type { Principal } from '../../engine/access/scopes.js'
import type { Clock } from '../../engine/clock.js'
import { isStrataError, messageOf, StrataError } from '../../errors.js'
import { redactText, redactValue } from './redact.js'

/** Something that somebody is about to do. */
export interface Deed {
  readonly action: string
  readonly principal: Pick<Principal, 'kind' | 'id'>
  /** Where the request comes from. */
  readonly from: string
  readonly requestId: string
  /** What it is about, as the client has put it. */
  readonly target: unknown
}

/** What came of it. */
export interface DeedResult {
  readonly status: number
  readonly body: unknown
}

/** A request that was turned away. */
export interface Refusal {
  readonly from: string
  readonly requestId: string
  readonly method: string
  readonly url: string
  readonly principal?: Pick<Principal, 'kind' | 'id'> | undefined
  readonly error: StrataError
}

/** Where lines are written; resolves when they are safe. */
export interface AuditSink {
  append(line: string): Promise<void>
}

export interface AuditParts {
  /** Without one the log is all there is. */
  readonly sink?: AuditSink | undefined
  /** Gets each event, too. */
  readonly log: (event: object) => void
  readonly onError: (error: unknown) => void
  readonly clock: Clock
  /** Which cache, and which of its nodes. */
  readonly namespace: string
  readonly node: string
}

/** Most bytes of a line's target. */
const MAX_TARGET = 8192
/** Refusals that are written down in a second: nobody is to fill the disk without credentials. */
const REFUSALS = 10

/** Facts of an answer that are written down. */
const FACTS = ['matched', 'seq', 'effective', 'dryRun', 'job', 'id', 'removed', 'count'] as const

/** Who did what: a line before and a line after each deed, and one for each refusal. */
export class Audit {
  #second = 0
  #refusals = 0
  #unwritten = 0

  constructor(private readonly parts: AuditParts) {}

  /**
   * Does it, between its two lines: what can't be written down before is not done, and is not acknowledged when it can't be written
   * down after.
   * @throws StrataError STRATA_AUDIT; what `work` throws
   */
  async around<T extends DeedResult | undefined>(deed: Deed, work: () => Promise<T>): Promise<T> {
    const id = randomUUID()
    const { action, principal, from, requestId } = deed
    const about = { id, request: requestId, who: principal.id, kind: principal.kind, from, action }
    await this.#write({ phase: 'intent', ...about, target: targetOf(deed.target) }, 'nothing was done')
    let result: T
    try {
      result = await work()
    } catch (error) {
      // The answer is an error in any case: that this line is missing changes nothing about it.
      await this.#write({ phase: 'result', ...about, ...failureOf(error) }, '').catch(this.parts.onError)
      throw error
    }
    const told = result === undefined ? {} : { status: result.status, outcome: factsOf(result.body) }
    await this.#write({ phase: 'result', ...about, ...told }, 'it was done all the same')
    return result
  }

  /** Never rejects: the request is turned away with or without it. */
  async refused({ from, requestId, method, url, principal, error }: Refusal): Promise<void> {
    const second = Math.floor(this.parts.clock.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#refusals = 0
    }
    if (++this.#refusals > REFUSALS) return void this.#unwritten++
    const unwritten = this.#unwritten === 0 ? {} : { unwritten: this.#unwritten }
    this.#unwritten = 0
    const who = principal === undefined ? {} : { who: principal.id, kind: principal.kind }
    const { code, status } = error
    const target = redactText(`${method} ${url}`)
    const event = { phase: 'refused', request: requestId, ...who, from, target, status, code, ...unwritten }
    await this.#write(event, '').catch(this.parts.onError)
  }

  async #write(event: Record<string, unknown>, otherwise: string): Promise<void> {
    const { sink, log, clock, namespace, node } = this.parts
    const whole = { time: new Date(clock.now()).toISOString(), ...texts(event), namespace, node }
    log(whole)
    try {
      await sink?.append(JSON.stringify(whole))
    } catch (error) {
      if (!isStrataError(error, 'STRATA_AUDIT')) throw error
      this.parts.onError(error)
      const message = `what is done here has to be written down, and ${error.message}: ${otherwise}`
      throw new StrataError('STRATA_AUDIT', message, { cause: error })
    }
  }
}

/** Whatever comes from outside is redacted here, whoever has put it in. */
function texts(event: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => [
      name,
      typeof value === 'string' ? redactText(value) : value,
    ]),
  )
}

function targetOf(target: unknown): unknown {
  const shown = redactValue(target)
  const text = JSON.stringify(shown) ?? 'null'
  return text.length <= MAX_TARGET ? shown : `${text.slice(0, MAX_TARGET)}…`
}

function factsOf(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null) return {}
  const facts = body as Record<string, unknown>
  return Object.fromEntries(
    FACTS.filter(name => ['string', 'number', 'boolean'].includes(typeof facts[name])).map(name => [
      name,
      facts[name],
    ]),
  )
}

function failureOf(error: unknown): Record<string, unknown> {
  if (!isStrataError(error)) return { status: 500, code: 'STRATA_INTERNAL' }
  return { status: error.status, code: error.code, reason: redactText(messageOf(error)) }
}
