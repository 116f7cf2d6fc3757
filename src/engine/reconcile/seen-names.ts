import { randomInt } from 'node:crypto'

/** Bits for each name: of those that were not seen, one in some 10,000 passes for seen. */
const BITS_PER_NAME = 20
const PROBES = 8
const LEAST_BITS = 2 ** 16
/** 256 MiB of memory: enough for 100 million names at the rate above. */
const MOST_BITS = 2 ** 31

/**
 * Which names have been seen, in bounded memory (a Bloom filter): what it has not seen was certainly not added; of what it says it has
 * seen, a few were not. Which few is another matter for each filter.
 */
export class SeenNames {
  readonly #words: Uint32Array
  readonly #bits: number
  readonly #salt = randomInt(2 ** 31)

  /** @param expected about how many names will be added */
  constructor(expected: number) {
    const wished = Math.max(expected, 1) * BITS_PER_NAME
    this.#bits = Math.min(2 ** Math.ceil(Math.log2(Math.max(wished, LEAST_BITS))), MOST_BITS)
    this.#words = new Uint32Array(this.#bits / 32)
  }

  add(name: string): void {
    for (const bit of this.#places(name)) this.#words[bit >>> 5] = this.#words[bit >>> 5]! | (1 << (bit & 31))
  }

  has(name: string): boolean {
    for (const bit of this.#places(name))
      if ((this.#words[bit >>> 5]! & (1 << (bit & 31))) === 0) return false
    return true
  }

  /** Two hashes make all the probes (Kirsch and Mitzenmacher 2006). */
  *#places(name: string): Generator<number> {
    let a = 0xdeadbeef ^ this.#salt
    let b = 0x41c6ce57 ^ this.#salt
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i)
      a = Math.imul(a ^ code, 2654435761)
      b = Math.imul(b ^ code, 1597334677)
    }
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
    const step = (b | 1) >>> 0
    for (let i = 0, at = a >>> 0; i < PROBES; i++, at += step) yield at % this.#bits
  }
}
