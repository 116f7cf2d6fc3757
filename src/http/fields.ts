/**
 * Header fields as they came: a flat list of name, value, name, value, … in their order and case (the shape of
 * `IncomingMessage.rawHeaders`, which `ServerResponse.writeHead` also takes).
 */
export type RawFields = readonly string[]

/** All values of a field, one for each field line. `name` in lower case. */
export function fieldLines(fields: RawFields, name: string): string[] {
  const found: string[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (isField(fields[i]!, name)) found.push(fields[i + 1]!)
  }
  return found
}

/** The field's combined value (RFC 9110 §5.2: lines joined by ", "), or undefined when it is absent. `name` in lower case. */
export function fieldValue(fields: RawFields, name: string): string | undefined {
  let value: string | undefined
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (!isField(fields[i]!, name)) continue
    value = value === undefined ? fields[i + 1]! : `${value}, ${fields[i + 1]!}`
  }
  return value
}

export function hasField(fields: RawFields, name: string): boolean {
  for (let i = 0; i + 1 < fields.length; i += 2) if (isField(fields[i]!, name)) return true
  return false
}

/** A copy without the named fields. `names` in lower case. */
export function withoutFields(fields: RawFields, names: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (!names.has(fields[i]!.toLowerCase())) kept.push(fields[i]!, fields[i + 1]!)
  }
  return kept
}

/** Fields of which node:http shows the first line alone (`IncomingMessage.headers`), in lower case. */
const SINGLE: ReadonlySet<string> = new Set(
  'age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since last-modified location max-forwards proxy-authorization referer retry-after server user-agent'.split(
    ' ',
  ),
)

/** A copy with the first line alone of each {@link SINGLE} field: the key must not miss what another reader sees. */
export function withoutRepeated(fields: RawFields): string[] {
  const kept: string[] = []
  const seen = new Set<string>()
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase()
    if (SINGLE.has(name)) {
      if (seen.has(name)) continue
      seen.add(name)
    }
    kept.push(fields[i]!, fields[i + 1]!)
  }
  return kept
}

/** A copy in which `name` has exactly this one value, in the place of its first line, or at the end. */
export function withField(fields: RawFields, name: string, value: string): string[] {
  const lower = name.toLowerCase()
  const out: string[] = []
  let placed = false
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (!isField(fields[i]!, lower)) out.push(fields[i]!, fields[i + 1]!)
    else if (!placed) {
      out.push(fields[i]!, value)
      placed = true
    }
  }
  if (!placed) out.push(name, value)
  return out
}

/** From node's header object (`IncomingMessage.headers`, `OutgoingMessage.getHeaders()`) to raw fields. */
export function fromHeaderObject(headers: Record<string, string | string[] | number | undefined>): string[] {
  const out: string[] = []
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (value === undefined) continue
    if (Array.isArray(value)) for (const line of value) out.push(name, String(line))
    else out.push(name, String(value))
  }
  return out
}

function isField(candidate: string, lowerName: string): boolean {
  return candidate.length === lowerName.length && candidate.toLowerCase() === lowerName
}
