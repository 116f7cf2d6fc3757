import { minorCollection } from './minor-collection.js'

/**
 * Pieces of a body that are at least as large come without much else that V8 could collect, bytes; smaller ones come with the objects of
 * a request each.
 */
const LARGE = 16_384
/** V8's version from which on it has to be asked: that of Node 24. */
const FROM_V8 = 13
/** V8 is asked for every so many bytes: after some 13 MiB it would collect everything. */
const ASKED_EVERY = 8 * 1_048_576
/** glibc keeps twice as much from then on, bytes. It takes no more than 32 MiB for a sign. */
const BLOCK = 16 * 1_048_576

/** What is done about memory. */
export interface MemoryMeans {
  /** The minor collection of this V8; undefined: it gives none. */
  readonly minorCollection: () => (() => void) | undefined
  /** Memory of so many bytes from malloc, that nobody keeps. */
  readonly allocate: (bytes: number) => void
}

/**
 * What is read from a socket, or put together of that, is memory beside V8's heap, and a long body is little else: two things have to be told of it (decisions/0036).
 *
 * V8 13 collects the whole heap for every 13 MiB of it, where a minor collection (a thirtieth of the cost) does: so it is asked for one
 * before.
 *
 * glibc gives the kernel back what is free above 128 KiB at the end of its memory, and has each page found again for the next piece. It
 * keeps twice the size of a larger block that has been freed (mallopt(3), "dynamic mmap threshold"): so one is. It is never touched and takes
 * no memory itself.
 */
export class PassingMemory {
  readonly #isAsked: boolean
  #isFirst = true
  #collect: (() => void) | undefined
  /** Read since V8 was asked, bytes. */
  #passed = 0

  /** @param v8 its version, as `process.versions.v8` gives it */
  constructor(
    v8 = process.versions.v8,
    private readonly means: MemoryMeans = { minorCollection, allocate: Buffer.allocUnsafeSlow },
  ) {
    this.#isAsked = Number.parseInt(v8, 10) >= FROM_V8
  }

  /** So many bytes have been read that nobody keeps for long. */
  passing(bytes: number): void {
    if (bytes < LARGE) return
    if (this.#isFirst) this.#begin()
    this.#passed += bytes
    if (this.#passed < ASKED_EVERY) return
    this.#passed = 0
    this.#collect?.()
  }

  #begin(): void {
    this.#isFirst = false
    this.means.allocate(BLOCK)
    if (this.#isAsked) this.#collect = this.means.minorCollection()
  }
}

/** One heap, one count: all that passes through this process. */
export const passingMemory = new PassingMemory()
