/** How this cache handled the request (RFC 9211 §2). */
export interface CacheStatus {
  /** Name of the cache. */
  readonly cache: string
  readonly hit?: boolean
  /** Why the request went to the origin; left out on a hit, which excludes it (RFC 9211 §2.1). */
  readonly fwd?: 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial'
  /** Status code of the origin's response. */
  readonly fwdStatus?: number
  /** Freshness left, s; negative when stale. */
  readonly ttl?: number
  readonly stored?: boolean
  readonly collapsed?: boolean
  readonly key?: string
  readonly detail?: string
}

const SF_TOKEN = /^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*$/
/** Everything that a Structured Field string can't hold, and what it must escape. */
const SF_UNSAFE = /[^ !#-[\]-~]/
/** Greatest magnitude of a Structured Field integer. */
const SF_MAX = 999_999_999_999_999

/**
 * One member of the Cache-Status list (RFC 9211 §2). Runs on every response, so it is plain string building; characters that a
 * Structured Field string can't hold come out as `?`.
 */
export function formatCacheStatus(status: CacheStatus): string {
  let text = tokenOrString(status.cache)
  if (status.hit === true) text += '; hit'
  else if (status.fwd !== undefined) text += `; fwd=${status.fwd}`
  if (status.fwdStatus !== undefined) text += integerParameter('fwd-status', status.fwdStatus)
  if (status.ttl !== undefined) text += integerParameter('ttl', status.ttl)
  if (status.stored === true) text += '; stored'
  if (status.collapsed === true) text += '; collapsed'
  if (status.key !== undefined) text += `; key=${string(status.key)}`
  if (status.detail !== undefined) text += `; detail=${tokenOrString(status.detail)}`
  return text
}

/** The field's value with our member at its end, the place of the cache nearest to the client (RFC 9211 §2). */
export function appendCacheStatus(existing: string | undefined, status: CacheStatus): string {
  const own = formatCacheStatus(status)
  return existing === undefined || existing.trim() === '' ? own : `${existing}, ${own}`
}

function tokenOrString(text: string): string {
  return SF_TOKEN.test(text) ? text : string(text)
}

function string(text: string): string {
  return `"${SF_UNSAFE.test(text) ? text.replace(/[\\"]|[^ -~]/g, escaped) : text}"`
}

function escaped(c: string): string {
  return c === '"' || c === '\\' ? `\\${c}` : '?'
}

function integerParameter(name: string, value: number): string {
  if (Number.isNaN(value)) return ''
  // An infinite time to live is cut to what an Integer can say.
  return `; ${name}=${Math.min(Math.max(Math.trunc(value), -SF_MAX), SF_MAX)}`
}
