import micromatch from 'micromatch'

/** `{1}` … `{99}` in a rule's tag. */
const PLACE = /\{([1-9]\d?)\}/g

/** Longest tag that a rule makes, bytes: what a path adds to it must not make a tag that no purge can name. */
export const MAX_RULE_TAG = 1024

/** Longest path of which parts are taken: what takes them may need time by the square of its length. */
const MAX_PATH = 4096

/**
 * Tags that a rule gives to what it matches: the same for all, or with parts of the path. Undefined where they can't be known: without
 * its tags a response must not be stored, for no purge by tag would find it.
 */
export type TagsOf = (path: string) => readonly string[] | undefined

/**
 * A rule's tags, compiled. `{n}` stands for what the n-th capture of the first glob that matches took of the path, counted from the
 * left as micromatch.capture does: each `*`, `**`, `{a,b}` and `[ab]`. The text is the path's own, nothing is decoded. A tag is left
 * out where a capture that it names took nothing.
 */
export function compileTags(tags: readonly string[], globs: readonly string[]): TagsOf {
  if (!tags.some(hasPlace)) return () => tags
  const matchers = globs.map(captureRe)
  return path => {
    if (path.length > MAX_PATH) return undefined
    for (const matcher of matchers) {
      const captures = matcher.exec(path)
      if (captures !== null) return tags.flatMap(tag => filled(tag, captures))
    }
    return tags.filter(tag => !hasPlace(tag))
  }
}

/**
 * Why parts of a path can't be taken by the glob: micromatch does it by going back, and with three wildcards in a row that takes time
 * by the cube of the path's length. Undefined when they can.
 */
export function captureFault(glob: string): string | undefined {
  const segments = glob.split('/')
  const folders = segments.filter(segment => segment.includes('**')).length
  const most = Math.max(...segments.map(segment => segment.match(/\*+/g)?.length ?? 0))
  return Math.max(1, folders) + Math.max(1, most) - 1 > 2
    ? 'has too many wildcards for tags with parts of the path: at most two * between slashes, or two ** (with one * between slashes)'
    : undefined
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
