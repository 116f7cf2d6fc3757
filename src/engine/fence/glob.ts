import { parseGlob } from './glob-parse.js'
import { GlobPlaces, type Leads } from './glob-places.js'
import { addAll, meet, placeSet, type PlaceSet } from './place-set.js'

export { MAX_GLOB } from './glob-parse.js'

/**
 * A glob matcher whose cost is bounded by (places of the glob × characters of the text), and is a small part of that for most: it keeps
 * the set of places in the glob that the text read so far can be at, 32 in a word, and never goes back. micromatch compiles to regular
 * expressions that can backtrack for longer than the universe has, and these patterns come from users.
 * @throws StrataError STRATA_BAD_REQUEST that says what of micromatch's syntax is not supported.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const glob = new Glob(pattern)
  return text => glob.matches(text)
}

export class Glob {
  /** Words of the set, and places in it, looked at since the beginning: for the test of linear time. */
  visits = 0
  readonly #places: GlobPlaces
  readonly #literal: string
  readonly #negated: boolean
  /** For each class of characters, the places that go on with one of it, and those that stay. */
  readonly #goOn: readonly PlaceSet[]
  readonly #stay: readonly PlaceSet[]
  /** Those that lead to the next place without reading. */
  readonly #open: PlaceSet
  readonly #forks: readonly (Leads | undefined)[]
  readonly #forking: PlaceSet
  readonly #ends: PlaceSet
  /** Where in the glob one can be after what was read. */
  readonly #set: PlaceSet

  constructor(readonly pattern: string) {
    const { nodes, literal, negated } = parseGlob(pattern)
    this.#literal = literal
    this.#negated = negated
    const places = new GlobPlaces(nodes)
    this.#places = places
    this.#goOn = places.readers('one')
    this.#stay = places.readers('star')
    this.#open = places.of('star')
    addAll(this.#open, places.of('not-end'))
    this.#forks = places.forks()
    this.#forking = places.of('fork')
    this.#ends = places.ends()
    this.#set = placeSet(places.count)
  }

  /** As many visits, at most, as one character of the text can cost. */
  get edges(): number {
    return 3 * this.#set.length + this.#places.count
  }

  matches(text: string): boolean {
    // As micromatch: a text equal to the pattern always matches, whatever its characters mean.
    if (text === this.pattern) return true
    return (this.#read(text) && meet(this.#set, this.#ends)) !== this.#negated
  }

  /** Whether a text may match that begins with this; `false` is certain. Of the pattern as it stands, whether negated or not. */
  mayBeginWith(text: string): boolean {
    return this.pattern.startsWith(text) || this.#literal.startsWith(text) || this.#read(text)
  }

  /** Makes `#set` what it is after this text, and says whether it is anything. */
  #read(text: string): boolean {
    if (!text.startsWith(this.#literal)) return false
    const { classes } = this.#places
    this.#set.fill(0)
    this.#set[0] = 1
    for (let at = 0; at < text.length; at++) {
      this.#lead()
      this.#fork()
      if (!this.#step(classes.of(text.charCodeAt(at)))) return false
    }
    return true
  }

  /** Adds the places behind stars and the like; where several stand in a row, in as many rounds. */
  #lead(): void {
    const set = this.#set
    let carried = 0
    for (let word = 0; word < set.length; word++) {
      const open = this.#open[word]!
      let now = set[word]! | carried
      for (let led = (now & open) << 1; (led & ~now) !== 0; led = (now & open) << 1) {
        now |= led
        this.visits++
      }
      carried = (now & open) >>> 31
      set[word] = now
    }
    this.visits += set.length
  }

  /** Adds what forks lead to. Where one leads to another, that has nothing to add: it is all there at once. */
  #fork(): void {
    const set = this.#set
    for (let word = 0; word < set.length; word++) {
      let left = set[word]! & this.#forking[word]!
      for (; left !== 0; this.visits++) {
        const { added, first, last } = this.#forks[(word << 5) + 31 - Math.clz32(left & -left)]!
        for (let i = first; i <= last; i++) set[i]! |= added[i]!
        left &= (left - 1) & ~added[word]!
      }
    }
    this.visits += set.length
  }

  /** Reads one character. */
  #step(charClass: number): boolean {
    const set = this.#set
    const goOn = this.#goOn[charClass]!
    const stay = this.#stay[charClass]!
    let carried = 0
    let any = 0
    for (let word = 0; word < set.length; word++) {
      const now = set[word]!
      const going = now & goOn[word]!
      const next = (going << 1) | carried | (now & stay[word]!)
      carried = going >>> 31
      set[word] = next
      any |= next
    }
    this.visits += set.length
    return any !== 0
  }
}
