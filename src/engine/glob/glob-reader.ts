import type { CharClasses } from './char-set.js'
import type { GlobPlaces, Leads } from './glob-places.js'
import { addAll, meet, placeSet, type PlaceSet } from './place-set.js'

/** Reads a text and keeps the set of places in the glob that it can be at, 32 in a word. It never goes back. */
export class GlobReader {
  /** Words of the set, and places in it, looked at since the beginning. */
  visits = 0
  /** As many visits, at most, as one character can cost. */
  readonly edges: number
  readonly #classes: CharClasses
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

  constructor(places: GlobPlaces) {
    this.#classes = places.classes
    this.#goOn = places.readers('one')
    this.#stay = places.readers('star')
    this.#open = places.of('star')
    addAll(this.#open, places.of('not-end'))
    this.#forks = places.forks()
    this.#forking = places.of('fork')
    this.#ends = places.ends()
    this.#set = placeSet(places.count)
    this.edges = 3 * this.#set.length + places.count
  }

  matches(text: string): boolean {
    return this.read(text) && meet(this.#set, this.#ends)
  }

  /** Whether there is any place left after this text. */
  read(text: string): boolean {
    this.#set.fill(0)
    this.#set[0] = 1
    for (let at = 0; at < text.length; at++) {
      this.#lead()
      this.#fork()
      if (!this.#step(this.#classes.of(text.charCodeAt(at)))) return false
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
