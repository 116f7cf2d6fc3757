import type { BodyRef } from '../ports/index.js'
import { SlotMap } from '../slots.js'
import { readSmall, type SmallBodies } from './read.js'

/**
 * Reads of small bodies, one at a time for each: when a flight ends, hundreds of clients may want the same body at once, and a
 * remote store would be asked for it by each. Bodies are immutable, so whoever comes while one is read may have it too.
 */
export class SharedReads {
  readonly #running = new SlotMap<Promise<Buffer>>()

  constructor(private readonly bodies: SmallBodies) {}

  /** See `readSmall`. */
  read(ref: BodyRef): Buffer | Promise<Buffer> {
    const running = this.#running.get(ref.id)
    if (running !== undefined) return running
    const read = readSmall(this.bodies, ref)
    if (!(read instanceof Promise)) return read
    const reading = read.finally(() => this.#running.delete(ref.id))
    this.#running.set(ref.id, reading)
    return reading
  }
}
