import { formatCacheStatus, type CacheStatus } from '../http/cache-status.js'
import { hasField, withoutFields, type RawFields } from '../http/fields.js'
import type { CacheResult } from './exchange.js'
import type { HttpSettings } from './settings.js'
import type { EveryField } from './every-field.js'

/** Makes the fields of answers: what is stored, without what is ours alone, with what happened (P11). */
export class AnswerFields {
  readonly #hidden: ReadonlySet<string>

  constructor(private readonly http: HttpSettings) {
    this.#hidden = new Set([
      'age',
      'x-cache',
      ...(http.surrogateDevice === undefined ? [] : ['surrogate-control']),
      ...(http.exposeTags ? [] : http.tagFields),
    ])
  }

  /** Fields of a stored response that do not change with time. `size`: length of the stored body in bytes. */
  base(status: number, fields: RawFields, size: number): string[] {
    const base = withoutFields(fields, this.#hidden)
    if (status !== 204 && !hasField(fields, 'content-length')) base.push('Content-Length', String(size))
    // A list that has grown holds room for more; of a copy none is lost.
    return base.slice()
  }

  /** Fields of a response that streams through from the origin: `fields`, and the Age that `sent` had. */
  through(fields: RawFields, sent: RawFields): string[] {
    const out = withoutFields(fields, this.#hidden)
    for (let i = 0; i + 1 < sent.length; i += 2)
      if (sent[i]!.toLowerCase() === 'age') out.push(sent[i]!, sent[i + 1]!)
    return out
  }

  /** X-Cache and Cache-Status, to be put at the end of an answer's fields. */
  trace(result: CacheResult, status: Omit<CacheStatus, 'cache' | 'key'>, key: string): string[] {
    return ['X-Cache', result, 'Cache-Status', this.cacheStatus(status, key)]
  }

  cacheStatus(status: Omit<CacheStatus, 'cache' | 'key'>, key: string): string {
    // One literal, one shape; a spread makes each a costly one of its own.
    const all: EveryField<CacheStatus> = {
      cache: this.http.cacheName,
      hit: status.hit,
      fwd: status.fwd,
      fwdStatus: status.fwdStatus,
      ttl: status.ttl,
      stored: status.stored,
      collapsed: status.collapsed,
      key: this.http.exposeKey && key !== '' ? key : undefined,
      detail: status.detail,
    }
    return formatCacheStatus(all)
  }
}

/** RFC 9110 §15.4.5: what a 304 made from a stored response carries: no field that describes the content it does not have. */
export function notModifiedFields(fields: readonly string[]): string[] {
  const out: string[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase()
    if (!name.startsWith('content-') || name === 'content-location' || name === 'content-security-policy') {
      out.push(fields[i]!, fields[i + 1]!)
    }
  }
  return out
}
