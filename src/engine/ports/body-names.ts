/** Name of a small body in the body store: equal ones have one. */
export function sharedName(digest: string): string {
  return `s-${digest}`
}

/** Name of a small body that is kept with the metadata. */
export function inlineName(digest: string): string {
  return `i-${digest}`
}

/** The digest in a shared or inline name: a part of that text, so that what stays in memory has it once. */
export function digestInName(id: string): string {
  return id.slice(2)
}

export function isInline(id: string): boolean {
  return id.startsWith('i-')
}
