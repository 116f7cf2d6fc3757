/** Longer texts are seldom equal. */
const LONGEST = 64
const MOST = 4096

const table = new Map<string, string>()

/** One string object for all equal short ones: of the fields of a thousand tiles, most are the same. */
export function interned(text: string): string {
  if (text.length > LONGEST) return text
  const known = table.get(text)
  if (known !== undefined) return known
  // Bounded: whatever was common comes back at once.
  if (table.size >= MOST) table.clear()
  table.set(text, text)
  return text
}

/** The same list with its strings interned, but for entity tags: each is one of its own. Takes no more room than it needs. */
export function internedFields(fields: readonly string[]): readonly string[] {
  const out = new Array<string>(fields.length)
  for (let i = 0; i < fields.length; i++) {
    const isTag = i % 2 === 1 && fields[i - 1]!.length === 4 && fields[i - 1]!.toLowerCase() === 'etag'
    out[i] = isTag ? fields[i]! : interned(fields[i]!)
  }
  return out
}
