import type { EveryField } from '../every-field.js'
import type { BodyRef, Entry } from './entry.js'

/** One literal, so that all entries have one shape: a spread gives each a hidden class of its own, some hundred bytes. */
export function wholeEntry(meta: Omit<Entry, 'body'>, body: BodyRef): Entry {
  const entry: EveryField<Entry> = {
    key: meta.key,
    variant: meta.variant,
    method: meta.method,
    status: meta.status,
    reason: meta.reason,
    fields: meta.fields,
    requestTime: meta.requestTime,
    responseTime: meta.responseTime,
    selecting: meta.selecting,
    range: meta.range,
    url: meta.url,
    stamp: meta.stamp,
    tags: meta.tags,
    tile: meta.tile,
    body,
    uselessAt: meta.uselessAt,
  }
  return entry
}
