import type { OrderedNames } from '../local/tables.js'

interface Item {
  readonly at: number
  readonly name: string
}

const BLOCK = 512

/**
 * Names in the order of a number, kept in order as they come and go: a list of sorted blocks, so that a change costs a binary
 * search and a move of at most one block, and reading the first few costs nothing more than that.
 */
export class SortedNames implements OrderedNames {
  #blocks: Item[][] = []

  add(at: number, name: string): void {
    const item = { at, name }
    const b = Math.min(this.#blockFor(item), this.#blocks.length - 1)
    const block = this.#blocks[b]
    if (block === undefined) {
      this.#blocks.push([item])
      return
    }
    const i = lowerBound(block, item)
    if (block[i] !== undefined && compare(block[i], item) === 0) return
    block.splice(i, 0, item)
    if (block.length > BLOCK) this.#blocks.splice(b + 1, 0, block.splice(BLOCK >> 1))
  }

  remove(at: number, name: string): void {
    const item = { at, name }
    const b = this.#blockFor(item)
    const block = this.#blocks[b]
    if (block === undefined) return
    const i = lowerBound(block, item)
    if (block[i] === undefined || compare(block[i], item) !== 0) return
    block.splice(i, 1)
    if (block.length === 0) this.#blocks.splice(b, 1)
  }

  *upTo(at = Infinity): Iterable<Item> {
    for (const block of this.#blocks) {
      for (const item of block) {
        if (item.at > at) return
        yield item
      }
    }
  }

  /** At most `limit` items that are not before `(at, name)`. */
  from(at: number, name: string, limit: number): Item[] {
    const start = { at, name }
    const found: Item[] = []
    let b = this.#blockFor(start)
    let i = lowerBound(this.#blocks[b] ?? [], start)
    while (found.length < limit && this.#blocks[b] !== undefined) {
      found.push(...this.#blocks[b]!.slice(i, i + limit - found.length))
      b++
      i = 0
    }
    return found
  }

  last(): number | undefined {
    return this.#blocks.at(-1)?.at(-1)?.at
  }

  /** The first block whose last item is not before `item`; the number of blocks when there is none. */
  #blockFor(item: Item): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(this.#blocks[middle]!.at(-1)!, item) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function compare(a: Item, b: Item): number {
  return a.at - b.at || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
}

function lowerBound(block: readonly Item[], item: Item): number {
  let low = 0
  let high = block.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compare(block[middle]!, item) < 0) low = middle + 1
    else high = middle
  }
  return low
}
