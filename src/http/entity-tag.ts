/**
 * Weak comparison (RFC 9110 §8.8.3.2): the opaque parts are equal, weakness does not count. Tolerant: a tag without quotes
 * equals the quoted one, and `w/` is `W/`.
 */
export function weakMatch(a: string, b: string): boolean {
  return opaque(a) === opaque(b)
}

/** Strong comparison (RFC 9110 §8.8.3.2): both are well-formed strong entity tags and equal. */
export function strongMatch(a: string, b: string): boolean {
  return a === b && isStrong(a)
}

/** A well-formed entity tag that is not weak. */
export function isStrong(tag: string): boolean {
  return tag.length >= 2 && tag.startsWith('"') && tag.indexOf('"', 1) === tag.length - 1
}

/**
 * Reads If-None-Match or If-Match: '*', or the tags as written. Tolerant of tags without quotes; commas inside quotes belong to the
 * tag. Takes time linear in the value's length.
 */
export function parseEntityTags(value: string): readonly string[] | '*' {
  const tags: string[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i <= value.length; i++) {
    const c = i === value.length ? 0x2c : value.charCodeAt(i)
    if (c === 0x22) quoted = !quoted // there are no escapes in entity tags
    if (c !== 0x2c || (quoted && i < value.length)) continue
    const tag = value.slice(start, i).trim()
    if (tag !== '') tags.push(tag)
    start = i + 1
  }
  return tags.length === 1 && tags[0] === '*' ? '*' : tags
}

function opaque(tag: string): string {
  const bare = tag.startsWith('W/') || tag.startsWith('w/') ? tag.slice(2) : tag
  return isStrong(bare) ? bare.slice(1, -1) : bare
}
