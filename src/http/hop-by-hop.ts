import type { CacheControl } from './cache-control.js'
import { fieldValue, withoutFields, type RawFields } from './fields.js'

/** Fields that concern one connection only and are never forwarded (RFC 9110 §7.6.1), in lower case. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Fields that a cache forwards or consumes but never stores (RFC 9111 §3.1). */
const NEVER_STORED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
])

/** Fields that frame a message or rule its caching: without them the rest would be read wrongly. */
const STRUCTURAL = [
  'age',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'date',
  'etag',
  'expires',
  'host',
  'last-modified',
  'range',
  'vary',
]

/**
 * Fields that Connection can't take away: they are meant for all recipients (RFC 9110 §7.6.1 forbids to name such). Otherwise
 * `Connection: authorization` would strip credentials after they had counted, and `Connection: cache-control` a no-store.
 */
const END_TO_END: ReadonlySet<string> = new Set([...STRUCTURAL, 'authorization', 'cookie', 'set-cookie'])
const UNDROPPABLE: ReadonlySet<string> = new Set(STRUCTURAL)

/** A copy with end-to-end fields only: neither {@link HOP_BY_HOP} nor what Connection names. */
export function endToEnd(fields: RawFields): string[] {
  return withoutFields(fields, withConnectionOptions(fields, HOP_BY_HOP))
}

/**
 * A copy with the fields that may be stored: those of {@link endToEnd} without the proxy's own (RFC 9111 §3.1), and without
 * those that a qualified `no-cache` or `private` names, which a shared cache must not reuse unasked or not keep
 * (RFC 9111 §5.2.2.4, §5.2.2.7). Fields that frame the message or rule its caching stay even if named.
 */
export function storedFields(fields: RawFields, cacheControl: CacheControl): string[] {
  const dropped = withConnectionOptions(fields, NEVER_STORED)
  const unshared = cacheControl.fieldNames('no-cache')
  const personal = cacheControl.fieldNames('private')
  if (unshared === undefined && personal === undefined) return withoutFields(fields, dropped)
  const named = [...(unshared ?? []), ...(personal ?? [])].filter(name => !UNDROPPABLE.has(name))
  return withoutFields(fields, new Set([...dropped, ...named]))
}

function withConnectionOptions(fields: RawFields, base: ReadonlySet<string>): ReadonlySet<string> {
  const value = fieldValue(fields, 'connection')
  if (value === undefined) return base
  const known = base === HOP_BY_HOP && value.length <= LONGEST_KNOWN ? KNOWN.get(value) : undefined
  if (known !== undefined) return known
  const all = new Set(base)
  for (const option of namedByConnection(value)) all.add(option)
  if (base === HOP_BY_HOP && value.length <= LONGEST_KNOWN) {
    if (KNOWN.size >= MOST_KNOWN) KNOWN.clear()
    KNOWN.set(value, all)
  }
  return all
}

/** What {@link HOP_BY_HOP} becomes by a Connection field: nearly all messages have one of two (P9: full, it starts anew). */
const KNOWN = new Map<string, ReadonlySet<string>>()
const MOST_KNOWN = 64
const LONGEST_KNOWN = 64

/** Names of the fields that a Connection field takes away, in lower case. */
export function namedByConnection(value: string): string[] {
  return value
    .split(',')
    .map(part => part.trim().toLowerCase())
    .filter(option => option !== '' && !END_TO_END.has(option))
}
