/**
 * Pieces of a body that are at least as large come without much else that V8 could collect, bytes; smaller ones come with the objects of
 * a request each.
 */
const LARGE = 16_384
/** V8's version from which on it has to be asked: that of Node 24. */
const FROM_V8 = 13
/** Objects of 8 bytes, for each byte of a piece: half as many bytes as it has. A quarter was seen not to do. */
const SHARE = 1 / 16
/** glibc keeps twice as much from then on, bytes. It takes no more than 32 MiB for a sign. */
const BLOCK = 16 * 1_048_576

/**
 * What is read from a socket is memory beside V8's heap, and a long body is little else: two things have to be told of it (decisions/0034
 * and 0036).
 *
 * V8 13 collects the whole heap for every 13 MiB of it, where a scavenge (a thirtieth of the cost) would do. That comes first if enough has
 * been made on the heap as well: so some is made.
 *
 * glibc gives the kernel back what is free above 128 KiB at the end of its memory, and has each page found again for the next piece. It
 * keeps twice the size of a larger block that has been freed (mallopt(3), "dynamic mmap threshold"): so one is. It is never touched and takes
 * no memory itself.
 */
export class PassingMemory {
  readonly #isScavengeNeeded: boolean
  #isMallocTold = false
  /** Kept until the next piece, so that it has to be made. */
  garbage: readonly unknown[] = []

  /** @param v8 its version, as `process.versions.v8` gives it */
  constructor(
    v8 = process.versions.v8,
    /** Memory of so many bytes from malloc, that nobody keeps. */
    private readonly allocate: (bytes: number) => void = Buffer.allocUnsafeSlow,
  ) {
    this.#isScavengeNeeded = Number.parseInt(v8, 10) >= FROM_V8
  }

  /** So many bytes have been read that nobody keeps for long. */
  passing(bytes: number): void {
    if (bytes < LARGE) return
    if (!this.#isMallocTold) this.allocate(BLOCK)
    this.#isMallocTold = true
    if (this.#isScavengeNeeded) this.garbage = new Array<unknown>(Math.floor(bytes * SHARE))
  }
}
