import { LRUCache } from 'lru-cache'
import type { NoVarySearch } from '../http/no-vary-search.js'
import { varianceOf, type Answer } from './search-variance.js'

interface Learnt {
  readonly variance: NoVarySearch
  /** Answers in a row that did not bear it out. */
  doubts: number
}

const REMEMBERED_PATHS = 10_000
const LONGEST_REMEMBERED = 512
const MOST_DOUBTS = 3

/**
 * The newest No-Vary-Search of each path, as this node has seen it on what it stores: where to look for what may answer. It only says
 * where: whether an entry answers for a URL is for the entry itself to say (`answersFor`). So nodes may know different things, or
 * nothing, and the worst that comes of it is a miss.
 */
export class LearntVariances {
  readonly #byPath = new LRUCache<string, Learnt>({ max: REMEMBERED_PATHS })

  /** For this URL's path. */
  find(url: string): NoVarySearch | undefined {
    return this.#byPath.get(pathOf(url))?.variance
  }

  /** A response that is just being stored: what it says is the newest. */
  learn(stored: Answer): void {
    const variance = varianceOf(stored.fields)
    const path = pathOf(stored.url)
    if (variance !== undefined && path.length <= LONGEST_REMEMBERED)
      this.#byPath.set(path, { variance, doubts: 0 })
  }

  /** An entry that was found in the store: of use while nothing newer is known. */
  recall(found: Answer): void {
    if (!this.#byPath.has(pathOf(found.url))) this.learn(found)
  }

  /** What was fetched by the simplified URL did not answer for the one that was asked. */
  doubt(url: string): void {
    const path = pathOf(url)
    const learnt = this.#byPath.peek(path)
    if (learnt !== undefined && ++learnt.doubts >= MOST_DOUBTS) this.#byPath.delete(path)
  }
}

/** A response speaks for its own path on its own authority, and for no other. */
function pathOf(url: string): string {
  const mark = url.indexOf('?')
  return mark === -1 ? url : url.slice(0, mark)
}
