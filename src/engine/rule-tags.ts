import micromatch from 'micromatch'

/** `{1}` … `{99}` in a rule's tag. */
const PLACE = /\{([1-9]\d?)\}/g

/** Longest tag that a rule makes, bytes: what a path adds to it must not make a tag that no purge can name. */
export const MAX_RULE_TAG = 1024

/** Tags that a rule gives to what it matches: the same for all, or with parts of the path. */
export type TagsOf = (path: string) => readonly string[]

/**
 * A rule's tags, compiled. `{n}` stands for what the n-th capture of the first glob that matches took of the path, counted from the
 * left as micromatch.capture does: each `*`, `**`, `{a,b}` and `[ab]`. The text is the path's own, nothing is decoded. A tag is left
 * out where a capture that it names took nothing.
 */
export function compileTags(tags: readonly string[], globs: readonly string[]): TagsOf {
  if (!tags.some(hasPlace)) return () => tags
  const matchers = globs.map(captureRe)
  return path => {
    for (const matcher of matchers) {
      const captures = matcher.exec(path)
      if (captures !== null) return tags.flatMap(tag => filled(tag, captures))
    }
    return tags.filter(tag => !hasPlace(tag))
  }
}

/** How many captures the glob has. */
export function captureCount(glob: string): number {
  return new RegExp(`${captureRe(glob).source}|`).exec('')!.length - 1
}

/** The greatest n of the tag's `{n}`; 0 when there is none. */
export function highestPlace(tag: string): number {
  return Math.max(0, ...[...tag.matchAll(PLACE)].map(([, n]) => Number(n)))
}

function captureRe(glob: string): RegExp {
  return micromatch.makeRe(glob, { dot: true, capture: true }) as RegExp
}

function hasPlace(tag: string): boolean {
  return highestPlace(tag) > 0
}

function filled(tag: string, captures: RegExpExecArray): string[] {
  let isWhole = true
  const text = tag.replace(PLACE, (_, n: string) => {
    const taken = captures[Number(n)] ?? ''
    if (taken === '') isWhole = false
    return taken
  })
  return isWhole ? [text] : []
}
