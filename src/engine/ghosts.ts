/**
 * Keys that were held until a while ago, oldest first, with the bytes that they had. Kept as numbers: two keys that have one number are
 * taken for each other, which costs a cache nothing but a wrong guess.
 */
export class Ghosts {
  readonly #sizes = new Map<number, number>()
  /** Kept from one time to the next: a new one would have to pass over all that has gone since the map last grew. */
  #oldest = this.#sizes.keys()
  bytes = 0

  get size(): number {
    return this.#sizes.size
  }

  add(key: string, size: number): void {
    const number = numberOf(key)
    this.#drop(number)
    this.#sizes.set(number, size)
    this.bytes += size
  }

  /** True when it was among them. */
  delete(key: string): boolean {
    return this.#drop(numberOf(key))
  }

  dropOldest(): void {
    let next = this.#oldest.next()
    if (next.done === true) next = (this.#oldest = this.#sizes.keys()).next()
    if (next.done !== true) this.#drop(next.value)
  }

  clear(): void {
    this.#sizes.clear()
    this.#oldest = this.#sizes.keys()
    this.bytes = 0
  }

  #drop(number: number): boolean {
    const size = this.#sizes.get(number)
    if (size === undefined) return false
    this.bytes -= size
    return this.#sizes.delete(number)
  }
}

/** FNV-1a, 32 bits. */
function numberOf(key: string): number {
  let number = 0x811c9dc5 | 0
  for (let i = 0; i < key.length; i++) number = Math.imul(number ^ key.charCodeAt(i), 0x01000193)
  return number
}
