import type { BodyRef, BodyStore } from '../ports/index.js'
import { readSmall } from './read.js'

/**
 * Reads of small bodies, one at a time for each: when a flight ends, hundreds of clients may want the same body at once, and a
 * remote store would be asked for it by each. Bodies are immutable, so whoever comes while one is read may have it too.
 */
export class SharedReads {
  readonly #running = new Map<string, Promise<Buffer>>()

  constructor(private readonly bodies: BodyStore) {}

  /** See `readSmall`. */
  read(ref: BodyRef): Promise<Buffer> {
    const running = this.#running.get(ref.id)
    if (running !== undefined) return running
    const reading = readSmall(this.bodies, ref).finally(() => this.#running.delete(ref.id))
    this.#running.set(ref.id, reading)
    return reading
  }
}
