/**
 * Tiles of one zoom with the time until which each is fresh, in two typed arrays (16 bytes for each place, half of them empty at most): a Map of
 * as many would take five times that.
 */
export class TileTable {
  #names = new Float64Array(64).fill(EMPTY)
  #times = new Float64Array(64)
  size = 0

  /** Notes a tile; of several responses for one (formats, scales, variants) the one that is fresh the longest counts. */
  add(x: number, y: number, columns: number, freshUntil: number): void {
    if (2 * (this.size + 1) > this.#names.length) this.#grow()
    const name = y * columns + x
    const at = placeOf(this.#names, name)
    if (this.#names[at] === EMPTY) {
      this.#names[at] = name
      this.#times[at] = freshUntil
      this.size++
    } else if (freshUntil > this.#times[at]!) this.#times[at] = freshUntil
  }

  /** Places, full and empty ones: what `forEach` goes through. */
  get places(): number {
    return this.#names.length
  }

  /** The tiles in these places; all of them without bounds. */
  forEach(
    columns: number,
    visit: (x: number, y: number, freshUntil: number) => void,
    from = 0,
    to = this.#names.length,
  ): void {
    for (let i = from; i < Math.min(to, this.#names.length); i++) {
      const name = this.#names[i]!
      if (name === EMPTY) continue
      const y = Math.floor(name / columns)
      visit(name - y * columns, y, this.#times[i]!)
    }
  }

  #grow(): void {
    const [names, times] = [this.#names, this.#times]
    this.#names = new Float64Array(2 * names.length).fill(EMPTY)
    this.#times = new Float64Array(2 * names.length)
    for (let i = 0; i < names.length; i++) {
      if (names[i] === EMPTY) continue
      const at = placeOf(this.#names, names[i]!)
      this.#names[at] = names[i]!
      this.#times[at] = times[i]!
    }
  }
}

const EMPTY = -1

/** Where a name is, or would go: open addressing, the next free place. */
function placeOf(names: Float64Array, name: number): number {
  const mask = names.length - 1
  let hash = Math.imul(name | 0, 0x9e3779b1) ^ Math.imul((name / 2 ** 32) | 0, 0x85ebca6b)
  hash ^= hash >>> 15
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    if (names[at] === EMPTY || names[at] === name) return at
  }
}
