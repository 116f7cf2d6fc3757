import { CharClasses, type CharSet } from './char-set.js'
import type { GlobNode } from './glob-node.js'
import { addAll, addPlace, hasPlace, placeSet, type PlaceSet } from './place-set.js'

/**
 * A place in a glob. `one` reads a character and goes to the next place; `star` reads one and stays, and leads to the next place
 * without reading, as `not-end` does; `fork` leads to places further on.
 */
interface Place {
  readonly kind: 'one' | 'star' | 'not-end' | 'fork' | 'accept'
  readonly set: CharSet
  /** Where it leads without reading. */
  readonly to: number[]
}

/** All that a fork leads to, by way of others as well; and the words that hold it. */
export interface Leads {
  readonly added: PlaceSet
  readonly first: number
  readonly last: number
}

const NONE: CharSet = []

/** The places of a glob, in an order in which nothing leads back. */
export class GlobPlaces {
  readonly #places: Place[] = []
  readonly classes: CharClasses

  constructor(nodes: readonly GlobNode[]) {
    this.#emit(nodes)
    this.#push('accept', NONE)
    this.classes = new CharClasses(this.#places.map(({ set }) => set))
  }

  get count(): number {
    return this.#places.length
  }

  /** Of one kind. */
  of(kind: Place['kind']): PlaceSet {
    return placeSet(this.count, place => this.#at(place).kind === kind)
  }

  /** For each class of characters, those of a kind that read one of it. */
  readers(kind: 'one' | 'star'): readonly PlaceSet[] {
    const readers = Array.from({ length: this.classes.count }, () => placeSet(this.count))
    for (const [place, { kind: its, set }] of this.#places.entries()) {
      if (its !== kind) continue
      for (const [low, high] of set)
        for (let one = this.classes.of(low); one <= this.classes.of(high); one++)
          addPlace(readers[one]!, place)
    }
    return readers
  }

  /** For each fork, what it leads to. */
  forks(): readonly (Leads | undefined)[] {
    const isUsed = (word: number) => word !== 0
    return this.#reached().map((added, place) =>
      this.#at(place).kind === 'fork'
        ? { added, first: added.findIndex(isUsed), last: added.findLastIndex(isUsed) }
        : undefined,
    )
  }

  /** Places at which the text may end. */
  ends(): PlaceSet {
    const ends = placeSet(this.count)
    for (let place = this.count - 1; place >= 0; place--) {
      const { kind, to } = this.#at(place)
      const isEnd = kind !== 'not-end' && to.some(target => hasPlace(ends, target))
      if (isEnd || kind === 'accept') addPlace(ends, place)
    }
    return ends
  }

  /** What each place leads to. */
  #reached(): readonly PlaceSet[] {
    const reached: PlaceSet[] = []
    // Nothing leads back.
    for (let place = this.count - 1; place >= 0; place--) {
      const { to } = this.#at(place)
      const all = placeSet(this.count)
      for (const target of to) {
        addPlace(all, target)
        addAll(all, reached[target]!)
      }
      reached[place] = all
    }
    return reached
  }

  #at(place: number): Place {
    return this.#places[place]!
  }

  #emit(nodes: readonly GlobNode[]): void {
    for (const node of nodes) {
      if (node.kind === 'one') this.#push('one', node.set)
      else if (node.kind === 'star') this.#push('star', node.set, [this.count + 1])
      else if (node.kind === 'not-end') this.#push('not-end', NONE, [this.count + 1])
      else this.#emitOptions(node.options)
    }
  }

  #emitOptions(options: readonly (readonly GlobNode[])[]): void {
    const branch: number[] = []
    const exits: number[][] = options.some(option => option.length === 0) ? [branch] : []
    this.#push('fork', NONE, branch)
    const some = options.filter(option => option.length > 0)
    for (const [i, option] of some.entries()) {
      branch.push(this.count)
      this.#emit(option)
      // The last one ends where all go on.
      if (i === some.length - 1) break
      const exit: number[] = []
      exits.push(exit)
      this.#push('fork', NONE, exit)
    }
    for (const exit of exits) exit.push(this.count)
  }

  #push(kind: Place['kind'], set: CharSet, to: number[] = []): void {
    this.#places.push({ kind, set, to })
  }
}
