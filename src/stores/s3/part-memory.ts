/** Free parts that are kept: as many as one large body has. */
const MOST_FREE = 3

/**
 * Memory for the parts of large bodies on their way to S3, filled again once S3 has them: each byte would else be garbage twice, and parts
 * are so large that V8 answers each with a collection of the whole heap.
 */
export class PartMemory {
  readonly #free: Buffer[] = []

  /** @param partSize bytes of each */
  constructor(readonly partSize: number) {}

  /** Holds what was in it before. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.partSize)
  }

  /** May be filled again. */
  give(part: Buffer): void {
    if (this.#free.length < MOST_FREE) this.#free.push(part)
  }
}
