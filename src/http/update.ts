import { fieldLines, type RawFields } from './fields.js'

/**
 * Fields that describe the stored body itself: a 304 or a HEAD does not replace them (RFC 9111 §3.2 excepts
 * Content-Encoding, Content-Type and Content-Range on account of their being tied to the stored content, and Content-Length).
 */
const TIED_TO_BODY = new Set(['content-length', 'content-encoding', 'content-range', 'content-md5', 'etag'])

/**
 * RFC 9111 §3.2: the stored fields with those of the new header section in their place. `update` holds end-to-end fields only.
 * A stored Age told of the way that the old answer had come, so it goes in any case; so does a stored Date that `update` does not
 * replace (RFC 9110 §6.6.1: then the time of receipt stands for it).
 */
export function updateFields(stored: RawFields, update: RawFields): string[] {
  const replaced = new Set<string>(['age', 'date'])
  for (let i = 0; i + 1 < update.length; i += 2) {
    const name = update[i]!.toLowerCase()
    if (!TIED_TO_BODY.has(name)) replaced.add(name)
  }
  const out: string[] = []
  const placed = new Set<string>()
  for (let i = 0; i + 1 < stored.length; i += 2) {
    const name = stored[i]!.toLowerCase()
    if (!replaced.has(name)) out.push(stored[i]!, stored[i + 1]!)
    else if (!placed.has(name)) {
      placed.add(name)
      for (const value of fieldLines(update, name)) out.push(stored[i]!, value)
    }
  }
  for (let i = 0; i + 1 < update.length; i += 2) {
    const name = update[i]!.toLowerCase()
    if (replaced.has(name) && !placed.has(name)) out.push(update[i]!, update[i + 1]!)
  }
  return out
}
