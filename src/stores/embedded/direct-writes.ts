import { constants, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { isErrno } from './io-error.js'

/** Bytes of a piece that goes past the page cache: fewer, larger writes keep a disk busy. */
export const DIRECT_BYTES = 1_048_576
/** Pieces that are lent to all bodies together, and that are kept for the next ones. */
const MOST_OUT = 32
const KEPT = 4
/** What file systems say that take no direct writes, or not from this memory (open(2), write(2)). */
const REFUSALS = ['EINVAL', 'EOPNOTSUPP', 'ENOTSUP']

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
    const memory = this.#free.pop() ?? alignedMemory(DIRECT_BYTES)
    this.#out++
    return memory
  }

  give(memory: Uint8Array): void {
    this.#out--
    if (this.#isPossible && this.#free.length < KEPT) this.#free.push(memory)
  }

  /** A second handle to a file that exists; undefined: not past the page cache, on this file system. */
  async open(path: string): Promise<FileHandle | undefined> {
    try {
      return await open(path, constants.O_WRONLY | constants.O_DIRECT)
    } catch (error) {
      // Whatever else is wrong with the file, writing it the other way will tell.
      this.#refuses(error)
      return undefined
    }
  }

  /**
   * Writes a piece.
   * @returns how many bytes of it; 0 where the file system takes none so: then nobody tries it again.
   */
  async write(file: FileHandle, memory: Uint8Array, at: number): Promise<number> {
    if (!this.#isPossible) return 0
    try {
      return (await file.write(memory, 0, memory.length, at)).bytesWritten
    } catch (error) {
      if (this.#refuses(error)) return 0
      throw error
    }
  }

  /** Whether this error says that direct writes are not possible here; remembers it. */
  #refuses(error: unknown): boolean {
    if (!isErrno(error, ...REFUSALS)) return false
    this.#isPossible = false
    this.#free.length = 0
    return true
  }
}

/**
 * Direct writes want memory at a multiple of the disk's blocks. V8 maps the memory of a resizable buffer by itself, at a multiple
 * of a page; nothing says that it always will, but the system refuses (EINVAL) what is not.
 */
function alignedMemory(bytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes)
}
