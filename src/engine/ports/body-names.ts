/** Name of a small body in the body store: equal ones have one. */
export function sharedName(digest: string): string {
  return `s-${digest}`
}

/** Name of a small body that is kept with the metadata. */
export function inlineName(digest: string): string {
  return `i-${digest}`
}

export function isInline(id: string): boolean {
  return id.startsWith('i-')
}
