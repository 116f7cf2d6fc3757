import { compileGlob } from './glob.js'
import { urlParts } from './url-parts.js'

/**
 * A glob over URLs. What begins with `/` is matched against the path; what has `://` against the whole URL; anything else against
 * the whole URL and against the path without its first slash (`tiles/**`). Each with and without the query: `/tiles/*.png`
 * is meant for `/tiles/1.png?v=2` as well. A leading `!` turns the whole around.
 * @throws StrataError STRATA_BAD_REQUEST
 */
export function compileUrlGlob(pattern: string): (url: string) => boolean {
  const bangs = /^!*/.exec(pattern)![0].length
  // Compiled first, so that a fault is told in terms of what was given.
  compileGlob(pattern)
  const negated = bangs % 2 === 1
  const positive = pattern.slice(bangs)
  const glob = compileGlob(positive)
  if (positive.startsWith('/')) {
    return url => {
      const { path, target } = urlParts(url)
      return (glob(path) || (target !== path && glob(target))) !== negated
    }
  }
  const relative = !positive.includes('://')
  return url => {
    const { bare, path, target } = urlParts(url)
    const found =
      glob(url) ||
      (bare !== url && glob(bare)) ||
      (relative && (glob(path.slice(1)) || glob(target.slice(1))))
    return found !== negated
  }
}
