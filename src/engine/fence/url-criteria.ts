import { answersFor, varianceOf, type Answer } from '../search-variance.js'
import { compileUrlGlob } from './url-glob.js'
import { urlParts } from './url-parts.js'

/**
 * Criteria about URLs, held against all URLs that a response answers for: its own, and with No-Vary-Search those that it says to be the
 * same. Where these cannot be told apart by a criterion, it counts as met: more is purged than need be, never less. The field counts
 * whatever this node's settings are: another node may answer by it.
 */
export function urlTest(criterion: string): (answer: Answer) => boolean {
  return answer => answersFor(seenBy(criterion, answer), criterion)
}

export function prefixTest(prefix: string): (answer: Answer) => boolean {
  const mark = prefix.indexOf('?')
  return answer => {
    const { url } = seenBy(prefix, answer)
    if (url.startsWith(prefix)) return true
    // Up to the query all these URLs are one; from there on anything may follow.
    return (
      mark !== -1 && varianceOf(answer.fields) !== undefined && withoutQuery(url) === prefix.slice(0, mark)
    )
  }
}

export function patternTest(pattern: string): (answer: Answer) => boolean {
  const glob = compileUrlGlob(pattern)
  return ({ url, fields }) => glob(url, varianceOf(fields) !== undefined)
}

/** A criterion that begins with `/` is held against path and query, any other against the whole URL. */
function seenBy(criterion: string, answer: Answer): Answer {
  return criterion.startsWith('/') ? { url: urlParts(answer.url).target, fields: answer.fields } : answer
}

function withoutQuery(url: string): string {
  const mark = url.indexOf('?')
  return mark === -1 ? url : url.slice(0, mark)
}
