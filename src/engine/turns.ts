import { setImmediate as nextTurn } from 'node:timers/promises'

/** Between the items of a long list: lets requests go first, each time that so many have been dealt with. */
export class Turns {
  #items = 0

  constructor(private readonly itemsPerTurn: number) {}

  /** To be awaited after each item. */
  async next(): Promise<void> {
    if (++this.#items % this.itemsPerTurn === 0) await nextTurn()
  }
}
