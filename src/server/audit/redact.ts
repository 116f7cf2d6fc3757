/** What may stand in a log: no secrets, no more than a bounded piece, and nothing that a terminal or a reader takes for something else. */

const SECRET_NAME = /token|secret|passw|authorization|cookie|credential|signature|api[-_]?key/i
const REDACTED = '[redacted]'

/** Our own API keys, JSON Web Tokens, bearer credentials. */
const CREDENTIALS =
  /strata_[0-9a-f]{16}_[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g
const BEARER = /\b(Bearer|Basic)\s+[^\s"',;]+/gi
/** `https://user:password@host` */
const USER_INFO = /(:\/\/)[^\s/?#@]*@/g
/** `?access_token=…`, `&X-Amz-Signature=…`, also with the name's letters escaped. */
const PARAMETER = /([?&;])([^=&;\s]{1,100})=([^&;\s#]*)/g
/** C1 controls, line separators, marks that turn the direction of text, characters without width: JSON leaves them as they are. */
const UNSEEN = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

const MAX_TEXT = 512
const MAX_ITEMS = 20
const MAX_DEPTH = 5

/** A text without secrets, at most `max` characters of it. */
export function redactText(text: string, max = MAX_TEXT): string {
  const plain = text
    .slice(0, 4 * max)
    .replace(CREDENTIALS, REDACTED)
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(USER_INFO, `$1${REDACTED}@`)
    .replace(PARAMETER, (whole: string, mark: string, name: string) =>
      SECRET_NAME.test(decoded(name)) || /^(sig|key|auth|jwt|pwd)$/i.test(decoded(name))
        ? `${mark}${name}=${REDACTED}`
        : whole,
    )
    .replace(UNSEEN, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return plain.length > max || text.length > 4 * max
    ? `${plain.slice(0, max)}… (${text.length} characters)`
    : plain
}

/** A value made of objects, lists and texts, as it may stand in a log. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value
  if (depth === MAX_DEPTH) return '…'
  if (Array.isArray(value)) {
    const shown = value.slice(0, MAX_ITEMS).map(item => redactValue(item, depth + 1))
    return value.length > MAX_ITEMS ? [...shown, `… ${value.length - MAX_ITEMS} more`] : shown
  }
  const entries = Object.entries(value)
  const shown = entries
    .slice(0, MAX_ITEMS)
    .map(([name, inner]) => [
      redactText(name, 100),
      SECRET_NAME.test(name) ? REDACTED : redactValue(inner, depth + 1),
    ])
  if (entries.length > MAX_ITEMS) shown.push(['…', `${entries.length - MAX_ITEMS} more`])
  return Object.fromEntries(shown) as unknown
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    // No valid escape: it is its own name.
    return name
  }
}
