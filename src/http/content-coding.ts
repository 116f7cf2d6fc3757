/** Codings of the IANA registry. One that is in no registry is an agreement of origin and client: it is no cache's to judge. */
const REGISTERED = new Set([
  'gzip',
  'compress',
  'deflate',
  'br',
  'zstd',
  'dcb',
  'dcz',
  'aes128gcm',
  'exi',
  'pack200-gzip',
])

/**
 * RFC 9110 §12.5.3: does the client take this Content-Encoding? `accept` is its Accept-Encoding, null when it sent none: then
 * any coding is acceptable by the letter, but most such clients can read none, so the answer is no.
 */
export function acceptsCoding(accept: string | null, coding: string): boolean {
  const wanted = registeredIn(coding)
  if (wanted.length === 0) return true
  if (accept === null) return false
  const weights = new Map<string, number>()
  for (const item of accept.toLowerCase().split(',')) {
    const [name, ...params] = item.split(';')
    const weight = params.map(p => p.trim()).find(p => p.startsWith('q='))
    weights.set(canonical(name!), weight === undefined ? 1 : Number(weight.slice(2)))
  }
  return wanted.every(name => (weights.get(name) ?? weights.get('*') ?? 0) > 0)
}

/** Whether any of a Content-Encoding's codings is a registered one. */
export function isRegistered(coding: string): boolean {
  return registeredIn(coding).length > 0
}

function registeredIn(coding: string): string[] {
  return coding
    .toLowerCase()
    .split(',')
    .map(canonical)
    .filter(name => REGISTERED.has(name))
}

function canonical(name: string): string {
  const trimmed = name.trim()
  return trimmed === 'x-gzip' ? 'gzip' : trimmed === 'x-compress' ? 'compress' : trimmed
}
