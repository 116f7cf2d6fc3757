import { constants, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** Bytes of a piece that goes past the page cache: fewer, larger writes keep a disk busy. */
export const DIRECT_BYTES = 1_048_576
/** Pieces that all bodies together may have, and that are kept for the next ones. */
const MOST_OUT = 32
const KEPT = 4

/**
 * Writing past the page cache (open(2), O_DIRECT): the kernel neither copies what is written nor finds a page of memory for each 4 KiB
 * of it, and the cache keeps what is read. Linux; where a file system refuses, everything goes through the page cache.
 */
export class DirectWrites {
  #isPossible = constants.O_DIRECT !== undefined
  #out = 0
  readonly #free: Uint8Array[] = []

  /** Memory for one piece, to `give` back; undefined: none left, or direct writes are not possible here. */
  take(): Uint8Array | undefined {
    if (!this.#isPossible || this.#out === MOST_OUT) return undefined
    this.#out++
    return this.#free.pop() ?? alignedMemory(DIRECT_BYTES)
  }

  give(memory: Uint8Array): void {
    this.#out--
    if (this.#free.length < KEPT) this.#free.push(memory)
  }

  /** A second handle to a file that exists; undefined: not past the page cache, on this file system. */
  async open(path: string): Promise<FileHandle | undefined> {
    if (!this.#isPossible) return undefined
    try {
      return await open(path, constants.O_WRONLY | constants.O_DIRECT)
    } catch (error) {
      // Whatever else is wrong with the file, writing it the other way will tell.
      if ((error as NodeJS.ErrnoException).code === 'EINVAL') this.refuse()
      return undefined
    }
  }

  /** The file system takes none. */
  refuse(): void {
    this.#isPossible = false
  }
}

/**
 * Direct writes want memory at a multiple of the disk's blocks. V8 maps the memory of a resizable buffer by itself, at a multiple
 * of a page; nothing says that it always will, but the system refuses (EINVAL) what is not.
 */
function alignedMemory(bytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes)
}
