import { Glob } from '../glob/glob.js'
import { urlParts } from './url-parts.js'

/**
 * A glob over URLs. What begins with `/` is matched against the path; what has `://` against the whole URL; anything else against
 * the whole URL and against the path without its first slash (`tiles/**`). Each with and without the query: `/tiles/*.png`
 * is meant for `/tiles/1.png?v=2` as well. A leading `!` turns the whole around.
 *
 * With `anyQuery` the answer is for all URLs that differ from this one in the query alone: true when there may be one that is meant.
 * @throws StrataError STRATA_BAD_REQUEST
 */
export function compileUrlGlob(pattern: string): (url: string, anyQuery?: boolean) => boolean {
  const bangs = /^!*/.exec(pattern)![0].length
  // First as it was given, so that a fault is told in terms of that.
  const given = new Glob(pattern)
  const negated = bangs % 2 === 1
  const positive = pattern.slice(bangs)
  const glob = bangs === 0 ? given : new Glob(positive)
  const views = viewsFor(positive)
  return (url, anyQuery = false) => {
    const seen = views(url)
    // Met by all of them or none, for they have this much in common.
    if (seen.some(([bare]) => glob.matches(bare))) return !negated
    if (anyQuery) return negated || seen.some(([bare]) => glob.mayBeginWith(`${bare}?`))
    return seen.some(([bare, whole]) => whole !== bare && glob.matches(whole)) !== negated
  }
}

/** What a pattern is held against: texts without and with the query. */
function viewsFor(pattern: string): (url: string) => readonly (readonly [bare: string, whole: string])[] {
  if (pattern.startsWith('/')) {
    return url => {
      const { path, target } = urlParts(url)
      return [[path, target]]
    }
  }
  const relative = !pattern.includes('://')
  return url => {
    const { bare, path, target } = urlParts(url)
    const whole: [string, string] = [bare, url]
    return relative ? [whole, [path.slice(1), target.slice(1)]] : [whole]
  }
}
