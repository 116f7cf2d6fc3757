import type { GlobNode } from './glob-node.js'
import { parseGlob } from './glob-parse.js'
import { GlobPlaces } from './glob-places.js'
import { GlobReader } from './glob-reader.js'

export { MAX_GLOB } from './glob-parse.js'

/**
 * A glob matcher whose cost is bounded by (places of the glob × characters of the text), and is a small part of that for most (see
 * `GlobReader`). micromatch compiles to regular expressions that can backtrack for longer than the universe has, and patterns come from
 * operators, texts from clients.
 * @throws StrataError STRATA_BAD_REQUEST that says what of micromatch's syntax is not supported.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const glob = new Glob(pattern)
  return text => glob.matches(text)
}

export class Glob {
  readonly #literal: string
  readonly #negated: boolean
  readonly #nodes: readonly GlobNode[]
  /** Made when the first text is held against it: most globs are looked at and not used, or told by their beginning. */
  #reader: GlobReader | undefined

  constructor(readonly pattern: string) {
    const { nodes, literal, negated } = parseGlob(pattern)
    this.#literal = literal
    this.#negated = negated
    this.#nodes = nodes
  }

  /** Words and places looked at since the beginning, for the test of linear time; and how many one character can cost at most. */
  get visits(): number {
    return this.#reader?.visits ?? 0
  }

  get edges(): number {
    return this.#compiled().edges
  }

  matches(text: string): boolean {
    // As micromatch: a text equal to the pattern always matches, whatever its characters mean.
    if (text === this.pattern) return true
    return (text.startsWith(this.#literal) && this.#compiled().matches(text)) !== this.#negated
  }

  /** Whether a text may match that begins with this; `false` is certain. Of the pattern as it stands, whether negated or not. */
  mayBeginWith(text: string): boolean {
    if (this.pattern.startsWith(text) || this.#literal.startsWith(text)) return true
    return text.startsWith(this.#literal) && this.#compiled().read(text)
  }

  #compiled(): GlobReader {
    return (this.#reader ??= new GlobReader(new GlobPlaces(this.#nodes)))
  }
}
