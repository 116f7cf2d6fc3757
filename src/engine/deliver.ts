import { StrataError, isStrataError, messageOf } from '../errors.js'
import type { CacheStatus } from '../http/cache-status.js'
import { evaluatePreconditions, ifRangeHolds } from '../http/conditional.js'
import { fieldValue, withField, withoutFields } from '../http/fields.js'
import { currentAge } from '../http/freshness.js'
import { sliceOfPart } from '../http/partial.js'
import { validatorsOf } from '../http/policy.js'
import { formatContentRange, parseRange } from '../http/range.js'
import { notModifiedFields, type AnswerFields } from './answer-fields.js'
import type { Pieces } from './body/pieces.js'
import { readLarge } from './body/read.js'
import type { EntryCandidate } from './candidates.js'
import type { CacheResult, ClientRequest, Exchange } from './exchange.js'
import type { BodyStore, ByteRange } from './ports/index.js'

/** Where large bodies are read. */
export interface LargeBodies {
  readonly bodies: BodyStore
  readonly pieces: Pieces
}

/** A stored response, its body at hand (`bytes`) or to be streamed from the store. */
export interface Deliverable extends EntryCandidate {
  readonly body: Buffer | undefined
}

export interface Delivery {
  readonly withoutLastModified: 'date' | 'unmodified'
  readonly result: CacheResult
  readonly status: Omit<CacheStatus, 'cache' | 'key'>
  readonly now: number
}

const CONTENT_LENGTH = new Set(['content-length'])

/**
 * The step `deliver` for a stored response: preconditions, then range, then the whole (RFC 9110 §13.2.2). Returns undefined when
 * the answer is out, or a promise when its body streams from the store.
 * @throws STRATA_BODY_MISSING, STRATA_BODY_DAMAGED (rejects, before anything is sent) when a large body can't be opened.
 */
export function deliverStored(
  x: Exchange,
  stored: Deliverable,
  delivery: Delivery,
  answers: AnswerFields,
  large: LargeBodies,
): undefined | Promise<void> {
  const { request, responder, outcome } = x
  const entry = stored.stored
  const base = answers.base(entry.status, entry.fields, entry.body.size)
  const age = Math.floor(currentAge(stored.initialAge, entry.responseTime, delivery.now) / 1000)
  const cacheStatus = answers.cacheStatus(delivery.status, outcome.key)
  outcome.cacheStatus = cacheStatus
  const trace = ['Age', String(age), 'X-Cache', delivery.result, 'Cache-Status', cacheStatus]

  if (entry.range !== undefined) return deliverPart(x, stored, { base, trace }, large)
  if (entry.status === 200 && isConditional(request)) {
    const verdict = evaluatePreconditions(
      preconditionsOf(request),
      preconditionValidators(stored),
      delivery.now,
      delivery,
    )
    if (verdict === 'not-modified') {
      responder.head(304, 'Not Modified', [...notModifiedFields(base), ...trace])
      responder.end()
      return undefined
    }
  }
  if (entry.status === 200 && request.method === 'GET' && typeof request.headers.range === 'string') {
    const answered = deliverRange(x, stored, request.headers.range, { base, trace }, large, delivery.now)
    if (answered !== 'whole') return answered
  }
  return send(x, stored, entry.status, entry.reason, [...base, ...trace], undefined, large)
}

interface Fields {
  /** Those that do not change with time. */
  readonly base: readonly string[]
  /** What happened. */
  readonly trace: readonly string[]
}

/** A range of a whole body. Several ranges get the whole body: allowed (RFC 9110 §14.2), and safe from range floods. */
function deliverRange(
  x: Exchange,
  stored: Deliverable,
  range: string,
  { base, trace }: Fields,
  large: LargeBodies,
  now: number,
): undefined | Promise<void> | 'whole' {
  const { size } = stored.stored.body
  const ifRange = x.request.headers['if-range']
  if (typeof ifRange === 'string' && !ifRangeHolds(ifRange, preconditionValidators(stored), now))
    return 'whole'
  const parsed = parseRange(range, size)
  if (parsed.kind === 'none') return 'whole'
  if (parsed.kind === 'unsatisfiable') {
    const fields = withoutFields(base, CONTENT_LENGTH)
    x.responder.head(416, 'Range Not Satisfiable', [
      ...fields,
      'Content-Range',
      `bytes */${size}`,
      'Content-Length',
      '0',
      ...trace,
    ])
    x.responder.end()
    return undefined
  }
  if (parsed.ranges.length !== 1) return 'whole'
  const { first, last } = parsed.ranges[0]!
  const fields = withField(base, 'Content-Length', String(last - first + 1))
  fields.push('Content-Range', formatContentRange(first, last, size), ...trace)
  return send(x, stored, 206, 'Partial Content', fields, { first, last }, large)
}

/** A range that lies in a stored part (`decide` has made sure that it does). */
function deliverPart(
  x: Exchange,
  stored: Deliverable,
  { base, trace }: Fields,
  large: LargeBodies,
): undefined | Promise<void> {
  const entry = stored.stored
  const slice = sliceOfPart(entry.range!, entry.body.size, x.request.headers.range as string | undefined)
  if (slice === undefined)
    throw new StrataError('STRATA_INTERNAL', 'a stored part was chosen for a range that it does not hold')
  let fields = withField(base, 'Content-Length', String(slice.length))
  fields = withField(fields, 'Content-Range', formatContentRange(slice.first, slice.last, slice.complete))
  const range = { first: slice.offset, last: slice.offset + slice.length - 1 }
  return send(x, stored, 206, 'Partial Content', [...fields, ...trace], range, large)
}

function send(
  x: Exchange,
  stored: Deliverable,
  status: number,
  reason: string,
  fields: string[],
  range: ByteRange | undefined,
  large: LargeBodies,
): undefined | Promise<void> {
  const { responder, request } = x
  const { body } = stored
  if (request.method === 'HEAD' || stored.stored.body.size === 0) {
    responder.head(status, reason, fields)
    responder.end()
    return undefined
  }
  if (body !== undefined) {
    responder.head(status, reason, fields)
    const part = range === undefined ? body : body.subarray(range.first, range.last + 1)
    x.outcome.bytes = part.length
    responder.end(part)
    return undefined
  }
  const ref = stored.stored.body
  const pieces = large.pieces.find(ref, range)
  if (pieces !== undefined) return sendPieces(x, status, reason, fields, pieces)
  const chunks = readLarge(large.bodies, ref, range, large.pieces.keeper(ref, range))
  return stream(x, status, reason, fields, chunks)
}

function sendPieces(
  x: Exchange,
  status: number,
  reason: string,
  fields: string[],
  pieces: Buffer[],
): undefined {
  const { responder, outcome } = x
  responder.head(status, reason, fields)
  for (const [i, piece] of pieces.entries()) {
    outcome.bytes += piece.length
    if (i === pieces.length - 1) responder.end(piece)
    else responder.write(piece)
  }
  return undefined
}

/** The first checked chunk comes before the head: a body that can't be opened is a miss, not a broken answer. */
async function stream(
  { responder, outcome }: Exchange,
  status: number,
  reason: string,
  fields: string[],
  chunks: ReturnType<typeof readLarge>,
): Promise<void> {
  let next = await chunks.next()
  let wake: (() => void) | undefined
  const woken = () => wake?.()
  responder.onDrain(woken)
  responder.onClose(woken)
  responder.head(status, reason, fields)
  try {
    while (next.done !== true && !responder.closed) {
      outcome.bytes += next.value.length
      const waits = !responder.write(next.value) && !responder.closed
      if (waits) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
      next = await chunks.next(waits && responder.releasesOnDrain && !responder.closed)
    }
    responder.end()
  } catch (error) {
    responder.fail(asBodyError(error), [])
    throw error
  } finally {
    await chunks.return()
  }
}

function asBodyError(error: unknown): StrataError {
  return isStrataError(error)
    ? error
    : new StrataError('STRATA_BODY_DAMAGED', messageOf(error), { cause: error })
}

export function isConditional({ headers }: ClientRequest): boolean {
  return headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined
}

export function preconditionsOf({ method, headers }: ClientRequest) {
  return {
    method,
    ifNoneMatch: headers['if-none-match'] as string | undefined,
    ifModifiedSince: headers['if-modified-since'] as string | undefined,
  }
}

export function preconditionValidators({ stored }: EntryCandidate) {
  const { etag, lastModified } = validatorsOf(stored)
  return {
    etag,
    lastModified,
    date: fieldValue(stored.fields, 'date'),
    responseTime: stored.responseTime,
  }
}
