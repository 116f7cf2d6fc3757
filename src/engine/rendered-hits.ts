import { evaluatePreconditions } from '../http/conditional.js'
import { withField } from '../http/fields.js'
import { currentAge } from '../http/freshness.js'
import { formatContentRange, parseRange } from '../http/range.js'
import { notModifiedFields } from './answer-fields.js'
import { isConditional, preconditionsOf, preconditionValidators } from './deliver.js'
import type { ClientRequest, Exchange, RenderedAnswers } from './exchange.js'
import type { RenderedPart, Rendering, Resident } from './memory-tier.js'
import type { Entry } from './ports/index.js'
import type { Parts } from './parts.js'
import type { Pieces } from './body/pieces.js'

/** Hits in memory by the heads of earlier ones, for as long as nothing in them has changed: they are rendered once a second at most. */
export class RenderedHits {
  constructor(private readonly parts: Pick<Parts, 'answers' | 'accessLog' | 'settings' | 'pieces'>) {}

  /** deliver: the whole, its head alone, a range, or a 304. False when this answer has to be made in the ordinary way. */
  answer({ request, responder, outcome }: Exchange, resident: Resident, hit: Hit): boolean {
    const { rendered } = responder
    const { stored } = resident
    if (rendered === undefined || stored.body.size === 0 || stored.range !== undefined) return false
    const age = Math.floor(currentAge(resident.initialAge, stored.responseTime, hit.now) / 1000)
    const ttl = Math.floor(hit.ttlMs / 1000)
    const rendering = (resident.rendering ??= this.#newRendering(stored))
    if (rendering.age !== age || rendering.ttl !== ttl || rendering.detail !== hit.detail)
      this.#renew(rendering, stored.key, age, ttl, hit.detail)
    const bytes = this.#isNotModified(request, resident, rendering, hit.now)
      ? send304(rendered, rendering)
      : isRange(request, resident)
        ? sendRange(rendered, resident, rendering, request, this.parts.pieces)
        : sendWhole(rendered, resident, rendering, request.method === 'HEAD')
    if (bytes === undefined) return false
    outcome.result = 'HIT'
    outcome.detail = hit.detail
    outcome.cacheStatus = rendering.cacheStatus
    outcome.bytes = bytes
    this.parts.accessLog.note(stored.key, stored.variant, hit.now)
    return true
  }

  #newRendering({ status, fields, body }: Entry): Rendering {
    return {
      base: this.parts.answers.base(status, fields, body.size),
      age: -1,
      ttl: 0,
      detail: '',
      cacheStatus: '',
      whole: undefined,
      notModified: undefined,
      matched: undefined,
      parts: undefined,
    }
  }

  #renew(rendering: Rendering, key: string, age: number, ttl: number, detail: string): void {
    rendering.age = age
    rendering.ttl = ttl
    rendering.detail = detail
    rendering.cacheStatus = this.parts.answers.cacheStatus({ hit: true, ttl, detail }, key)
    rendering.whole = undefined
    rendering.notModified = undefined
    rendering.parts = undefined
  }

  #isNotModified(request: ClientRequest, resident: Resident, rendering: Rendering, now: number): boolean {
    if (resident.stored.status !== 200 || !isConditional(request)) return false
    const list = request.headers['if-none-match'] as string | undefined
    if (list !== undefined && list === rendering.matched) return true
    const { http } = this.parts.settings
    const verdict = evaluatePreconditions(
      preconditionsOf(request),
      preconditionValidators(resident),
      now,
      http,
    )
    if (verdict !== 'not-modified') return false
    // What If-None-Match comes to does not change with time, and clients that have the entry all send the same.
    if (list !== undefined) rendering.matched = list.length <= MAX_MATCHED ? list : undefined
    return true
  }
}

export interface Hit {
  readonly detail: string
  /** Freshness that is left, ms. */
  readonly ttlMs: number
  readonly now: number
}

/** Longest If-None-Match that is kept for each entry, characters. */
const MAX_MATCHED = 256

/** Heads of ranges that are kept for each entry, and the longest Range field of one, characters. */
const MAX_PARTS = 4
const MAX_RANGE = 64

/** Bytes of content sent; undefined, and nothing is sent, when it can't be done so. */
function send304(rendered: RenderedAnswers, rendering: Rendering): number | undefined {
  rendering.notModified ??= rendered.render(304, 'Not Modified', [
    ...notModifiedFields(rendering.base),
    ...traceOf(rendering),
  ])
  return rendering.notModified !== undefined && rendered.send(rendering.notModified, undefined)
    ? 0
    : undefined
}

function sendWhole(
  rendered: RenderedAnswers,
  { stored, body }: Resident,
  rendering: Rendering,
  isHead: boolean,
): number | undefined {
  if (!isHead && body === undefined) return undefined
  rendering.whole ??= rendered.render(stored.status, stored.reason, [
    ...rendering.base,
    ...traceOf(rendering),
  ])
  const content = isHead ? undefined : body
  if (rendering.whole === undefined || !rendered.send(rendering.whole, content)) return undefined
  return content === undefined ? 0 : content.length
}

function isRange({ method, headers }: ClientRequest, { stored }: Resident): boolean {
  return headers.range !== undefined && method === 'GET' && stored.status === 200
}

/** One range, when its bytes are at hand. Whatever needs a closer look is for `deliverStored`. */
function sendRange(
  rendered: RenderedAnswers,
  { stored, body }: Resident,
  rendering: Rendering,
  { headers }: ClientRequest,
  pieces: Pieces,
): number | undefined {
  if (headers['if-range'] !== undefined) return undefined
  const text = headers.range as string
  const part = rendering.parts?.get(text) ?? newPart(rendered, stored, rendering, text)
  if (part === undefined) return undefined
  const { range, head } = part
  const content =
    body === undefined ? pieces.find(stored.body, range) : body.subarray(range.first, range.last + 1)
  if (content === undefined || !rendered.send(head, content)) return undefined
  return range.last - range.first + 1
}

/** Those who read a tile archive all begin with the same ranges. */
function newPart(
  rendered: RenderedAnswers,
  { body: { size } }: Entry,
  rendering: Rendering,
  text: string,
): RenderedPart | undefined {
  const parsed = parseRange(text, size)
  if (parsed.kind !== 'ranges' || parsed.ranges.length !== 1) return undefined
  const range = parsed.ranges[0]!
  const { first, last } = range
  const fields = withField(rendering.base, 'Content-Length', String(last - first + 1))
  fields.push('Content-Range', formatContentRange(first, last, size), ...traceOf(rendering))
  const head = rendered.render(206, 'Partial Content', fields)
  if (head === undefined) return undefined
  const part = { range, head }
  if (text.length > MAX_RANGE) return part
  if (rendering.parts === undefined || rendering.parts.size >= MAX_PARTS) rendering.parts = new Map()
  rendering.parts.set(text, part)
  return part
}

function traceOf({ age, cacheStatus }: Rendering): readonly string[] {
  return ['Age', String(age), 'X-Cache', 'HIT', 'Cache-Status', cacheStatus]
}
