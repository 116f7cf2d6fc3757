/**
 * Pieces of a body that are at least as large come without much else that V8 could collect, bytes; smaller ones come with the objects of
 * a request each.
 */
const LARGE = 16_384
/** V8's version from which on it has to be asked: that of Node 24. */
const FROM_V8 = 13
/** Objects of 8 bytes, for each byte of a piece: half as many bytes as it has. A quarter was seen not to do. */
const SHARE = 1 / 16

/**
 * Makes V8 scavenge. What is read from a socket is memory beside the heap, and a long body is little else: V8 13 then collects the whole
 * heap for every 13 MiB of it, where a scavenge (a thirtieth of the cost) would do. It comes first if enough has been made on the heap
 * as well (decisions/0034).
 */
export class EarlyScavenges {
  readonly #isNeeded: boolean
  /** Kept until the next piece, so that it has to be made. */
  garbage: readonly unknown[] = []

  /** @param v8 its version, as `process.versions.v8` gives it */
  constructor(v8 = process.versions.v8) {
    this.#isNeeded = Number.parseInt(v8, 10) >= FROM_V8
  }

  /** So many bytes have been read that nobody keeps for long. */
  passing(bytes: number): void {
    if (this.#isNeeded && bytes >= LARGE) this.garbage = new Array<unknown>(Math.floor(bytes * SHARE))
  }
}
