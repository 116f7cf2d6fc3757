/**
 * Redis keeps every entry in memory, and half of an entry is the same few field names, media types and dates. Here they become
 * short strings that begin with a control character, which no field name or value can hold (RFC 9110 §5.5); a string that has
 * one all the same is kept behind an escape. Both tables are part of the stored format: append only, and at most 64 of each.
 */
const NAMES = [
  'Content-Type', 'content-type', 'Cache-Control', 'cache-control', 'ETag', 'etag', 'Last-Modified', 'last-modified',
  'Date', 'date', 'Content-Length', 'content-length', 'Expires', 'expires', 'Vary', 'vary', 'Content-Encoding',
  'content-encoding', 'Server', 'server', 'Age', 'age', 'Access-Control-Allow-Origin', 'access-control-allow-origin',
  'Content-Language', 'content-language', 'Cache-Tag', 'cache-tag', 'Surrogate-Key', 'surrogate-key', 'CDN-Cache-Control',
  'cdn-cache-control', 'X-Powered-By', 'x-powered-by', 'Accept-Ranges', 'accept-ranges', 'Content-Location',
  'content-location', 'Strict-Transport-Security', 'strict-transport-security', 'X-Content-Type-Options',
  'x-content-type-options', 'Link', 'link', 'Location', 'location',
] as const // prettier-ignore

const VALUES = [
  'image/png', 'image/jpeg', 'image/webp', 'image/svg+xml', 'image/avif', 'application/json', 'application/json; charset=utf-8',
  'text/html; charset=utf-8', 'text/html', 'text/plain', 'text/plain; charset=utf-8', 'text/css', 'text/javascript',
  'application/javascript', 'application/vnd.mapbox-vector-tile', 'application/x-protobuf', 'application/octet-stream',
  'application/geo+json', 'gzip', 'br', 'Accept-Encoding', 'bytes', '*', 'no-cache', 'public', 'public, max-age=3600',
  'public, max-age=86400', 'max-age=3600', 'max-age=86400', 'nosniff', 'public, max-age=31536000, immutable',
] as const // prettier-ignore

const TOKEN = '\x01'
const DATE = '\x02'
const ESCAPE = '\x03'
const FIRST = 0x30

const nameIndex = new Map<string, number>(NAMES.map((name, i) => [name, i]))
const valueIndex = new Map<string, number>(VALUES.map((value, i) => [value, i]))

export function terse(fields: readonly string[]): string[] {
  return fields.map((text, i) => (i % 2 === 0 ? shorten(text, nameIndex) : shortenValue(text)))
}

export function verbose(fields: readonly string[]): string[] {
  return fields.map((text, i) => lengthen(text, i % 2 === 0 ? NAMES : VALUES))
}

function shorten(text: string, index: ReadonlyMap<string, number>): string {
  const at = index.get(text)
  if (at !== undefined) return TOKEN + String.fromCharCode(FIRST + at)
  return text.charCodeAt(0) <= 3 ? ESCAPE + text : text
}

function shortenValue(text: string): string {
  if (text.length === 29 && text.endsWith(' GMT')) {
    const ms = Date.parse(text)
    // Only what comes back letter by letter: an odd weekday stays as the origin sent it.
    if (ms >= 0 && new Date(ms).toUTCString() === text) return DATE + (ms / 1000).toString(36)
  }
  return shorten(text, valueIndex)
}

function lengthen(text: string, table: readonly string[]): string {
  switch (text[0]) {
    case TOKEN:
      // Past the table: written by a newer version. It stays as it is, and so fails no other entry.
      return table[text.charCodeAt(1) - FIRST] ?? text
    case DATE:
      return new Date(parseInt(text.slice(1), 36) * 1000).toUTCString()
    case ESCAPE:
      return text.slice(1)
    default:
      return text
  }
}
