import { fieldValue, withField, withoutFields } from '../http/fields.js'
import { combineParts } from '../http/partial.js'
import { parseContentRange } from '../http/range.js'
import { readSmall, type SmallBodies } from './body/read.js'
import type { EntryCandidate } from './candidates.js'
import type { ResponseHead } from './origin.js'
import type { Entry } from './ports/index.js'

/** Largest body that is put together from parts in memory, bytes. */
const MAX_COMBINED = 8 * 1024 * 1024
const CONTENT_RANGE = new Set(['content-range'])

/** RFC 9111 §3.4: a stored part and a new one, as one entry; undefined when they can't be combined: the new one stands alone. */
export async function combinePartial(
  bodies: SmallBodies,
  part: EntryCandidate,
  entry: Omit<Entry, 'body'>,
  bytes: Buffer,
): Promise<{ entry: Omit<Entry, 'body'>; bytes: Buffer } | undefined> {
  const { stored } = part
  const range = entry.range!
  const combined = combineParts(
    { range: stored.range!, etag: fieldValue(stored.fields, 'etag') },
    { range, etag: fieldValue(entry.fields, 'etag') },
  )
  const exact = bytes.length === range.last - range.first + 1
  const small = stored.body.digest !== '' || stored.body.size === 0
  if (combined === undefined || !exact || !small || stored.body.size + bytes.length > MAX_COMBINED)
    return undefined
  const old = await readSmall(bodies, stored.body)
  const all = Buffer.concat([old.subarray(0, combined.before), bytes, old.subarray(combined.afterFrom)])
  const { first, last, complete } = combined.range
  if (first !== 0 || complete !== last + 1) return { entry: { ...entry, range: combined.range }, bytes: all }
  const fields = withField(withoutFields(entry.fields, CONTENT_RANGE), 'Content-Length', String(complete))
  const { range: _whole, ...rest } = entry
  return { entry: { ...rest, status: 200, reason: 'OK', fields }, bytes: all }
}

/**
 * RFC 9110 §15.3.7.3: the head of the whole that a stored part and this 206 make together, and the bytes that come before it;
 * undefined when they are not of one representation.
 */
export async function completeFrom(
  bodies: SmallBodies,
  part: EntryCandidate,
  head: ResponseHead,
): Promise<{ head: ResponseHead; before: Buffer } | undefined> {
  const { stored } = part
  const range = parseContentRange(fieldValue(head.fields, 'content-range'))
  if (range === undefined || !('first' in range) || range.complete === undefined) return undefined
  const etag = fieldValue(head.fields, 'etag')
  const combined = combineParts(
    { range: stored.range!, etag: fieldValue(stored.fields, 'etag') },
    { range, etag },
  )
  const whole =
    combined !== undefined && combined.range.first === 0 && combined.range.last === range.complete - 1
  if (!whole || range.first !== stored.range!.last + 1 || stored.body.size > MAX_COMBINED) return undefined
  const before = await readSmall(bodies, stored.body)
  const fields = withField(
    withoutFields(head.fields, CONTENT_RANGE),
    'Content-Length',
    String(range.complete),
  )
  return { head: { ...head, status: 200, reason: 'OK', fields }, before }
}
