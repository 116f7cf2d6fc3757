import { CACHE_GROUPS, parseGroups } from './cache-groups.js'
import { fieldLines, hasField, type RawFields } from './fields.js'

/** Fields whose tags are separated by spaces; `Cache-Groups` is a Structured Field; all others are separated by commas. */
const SPACE_SEPARATED = new Set(['surrogate-key', 'xkey'])

/** Tags of a response. */
export interface Tags {
  readonly tags: readonly string[]
  /** False when there were more than the limit: a purge by one that was left out would miss the entry. */
  readonly complete: boolean
}

/**
 * Reads the tags of a response from the fields that the operator names (`Cache-Tag`, `Surrogate-Key`, `xkey`, `Cache-Groups`).
 * Tags are case-sensitive; empty ones are skipped, duplicates dropped, the order kept.
 * @param names field names in any case. @param limit most tags that are given.
 */
export function readTags(fields: RawFields, names: readonly string[], limit: number): Tags {
  let found: Set<string> | undefined
  for (const name of names) {
    const lower = name.toLowerCase()
    if (!hasField(fields, lower)) continue
    found ??= new Set()
    for (const tag of tagsOf(fields, lower)) {
      if (found.has(tag)) continue
      if (found.size >= limit) return { tags: [...found], complete: false }
      found.add(tag)
    }
  }
  return found === undefined ? NO_TAGS : { tags: [...found], complete: true }
}

const NO_TAGS: Tags = { tags: [], complete: true }

/** The tags alone, at most `limit`: see {@link readTags}, which also says whether that is all of them. */
export function parseTags(fields: RawFields, names: readonly string[], limit: number): readonly string[] {
  return readTags(fields, names, limit).tags
}

function* tagsOf(fields: RawFields, name: string): Generator<string> {
  if (name === CACHE_GROUPS) {
    yield* parseGroups(fields, name)
    return
  }
  const separator = SPACE_SEPARATED.has(name) ? /[ \t]+/ : ','
  for (const line of fieldLines(fields, name)) {
    for (const part of line.split(separator)) {
      const tag = part.trim()
      if (tag !== '') yield tag
    }
  }
}
