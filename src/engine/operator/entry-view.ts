import { fieldValue } from '../../http/fields.js'
import { isDigested } from '../../http/vary.js'
import type { Entry, EntryUse } from '../ports/index.js'

/** One variant as an operator sees it. Times are ISO 8601. */
export interface EntryView {
  readonly key: string
  readonly variant: string
  readonly url: string
  readonly method: string
  readonly status: number
  readonly contentType: string | null
  /** Bytes of the stored body. */
  readonly size: number
  readonly storedAt: string
  readonly expiresAt: string
  /** Seconds until it expires; 0 when it has. */
  readonly ttl: number
  /** `purged-soft`: an operator made it stale. */
  readonly state: 'fresh' | 'stale' | 'purged-soft'
  readonly hits: number
  readonly lastAccess: string | null
  readonly tags: readonly string[]
}

/** All that is known of one variant. */
export interface EntryDetail extends EntryView {
  readonly reason: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Request fields that Vary chose it by, and (as digests) those that its request had of its own. */
  readonly selecting: Entry['selecting']
  readonly range: Entry['range'] | null
  readonly stamp: Entry['stamp']
  readonly body: { readonly id: string; readonly digest: string; readonly chunkSize: number }
  /** From then on a sweep may remove it. */
  readonly uselessAt: string
}

export interface ViewOptions {
  readonly use: EntryUse | undefined
  readonly soft: boolean
  /** ms since the epoch */
  readonly freshUntil: number
  readonly now: number
}

export function viewOf(entry: Entry, { use, soft, freshUntil, now }: ViewOptions): EntryView {
  return {
    key: entry.key,
    variant: entry.variant,
    url: entry.url,
    method: entry.method,
    status: entry.status,
    contentType: fieldValue(entry.fields, 'content-type') ?? null,
    size: entry.body.size,
    storedAt: isoTime(entry.responseTime),
    expiresAt: isoTime(freshUntil),
    ttl: Math.max(0, Math.floor((freshUntil - now) / 1000)),
    state: soft ? 'purged-soft' : freshUntil > now ? 'fresh' : 'stale',
    hits: use?.hits ?? 0,
    lastAccess: use === undefined ? null : isoTime(use.lastAccess),
    tags: entry.tags,
  }
}

export function detailOf(entry: Entry, options: ViewOptions): EntryDetail {
  const fields: [string, string][] = []
  for (let i = 0; i + 1 < entry.fields.length; i += 2) fields.push([entry.fields[i]!, entry.fields[i + 1]!])
  return {
    ...viewOf(entry, options),
    reason: entry.reason,
    fields,
    selecting: entry.selecting.map(field =>
      isDigested(field) ? { name: field.name, value: `sha256:${field.value!.slice(1)}` } : field,
    ),
    range: entry.range ?? null,
    stamp: entry.stamp,
    body: { id: entry.body.id, digest: entry.body.digest, chunkSize: entry.body.chunkSize },
    uselessAt: isoTime(entry.uselessAt),
  }
}

const LAST_DATE = 8.64e15

/** Stored times are untrusted (P10), and a freshness lifetime can reach beyond what a Date holds. */
export function isoTime(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), LAST_DATE)).toISOString()
}
