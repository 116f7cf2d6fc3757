/**
 * A set and a map for what comes and goes with each request. V8's own fill up with what was deleted and move to a new table; the old
 * one keeps what was in it then, and knows the new one. Once a collection has taken a table for long-lived, all later ones and what
 * they hold stay until the next full collection: most of what a request made outlived it. Here the tables hold numbers.
 */
export class Slots<V> {
  readonly #values: (V | undefined)[] = []
  readonly #free: number[] = []

  /** @returns the slot, for `take` and `at` */
  put(value: V): number {
    const slot = this.#free.pop() ?? this.#values.length
    this.#values[slot] = value
    return slot
  }

  at(slot: number): V | undefined {
    return this.#values[slot]
  }

  /** Once for each slot that `put` gave. */
  take(slot: number): void {
    this.#values[slot] = undefined
    this.#free.push(slot)
  }

  values(): V[] {
    return this.#values.filter(value => value !== undefined)
  }
}

/** See {@link Slots}. Keys are texts, which are small. */
export class SlotMap<V> {
  readonly #slots = new Map<string, number>()
  readonly #values = new Slots<V>()

  get size(): number {
    return this.#slots.size
  }

  get(key: string): V | undefined {
    const slot = this.#slots.get(key)
    return slot === undefined ? undefined : this.#values.at(slot)
  }

  has(key: string): boolean {
    return this.#slots.has(key)
  }

  set(key: string, value: V): void {
    this.delete(key)
    this.#slots.set(key, this.#values.put(value))
  }

  delete(key: string): void {
    const slot = this.#slots.get(key)
    if (slot === undefined) return
    this.#slots.delete(key)
    this.#values.take(slot)
  }

  /** In no order. */
  values(): V[] {
    return this.#values.values()
  }
}
