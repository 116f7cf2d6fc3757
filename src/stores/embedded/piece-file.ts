import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { DIRECT_BYTES, type DirectWrites } from './direct-writes.js'
import { isErrno } from './io-error.js'

/** Bytes that go to the disk in one call: each is a way to a thread and back. */
const PIECE_BYTES = 262_144
/** Where in a file direct writes begin, bytes: what is smaller is likely to be read again from the page cache. */
export const DIRECT_FROM = 16 * 1_048_576
/** Bytes that may be under way to the disk before the writer is told to wait; and where direct writes have begun, which take long each. */
const HIGH_WATER = 1_048_576
const DIRECT_HIGH_WATER = 2 * DIRECT_BYTES
/**
 * A direct write that takes so long, ms, and so many of them in a row, is of a disk that does not keep up: the page cache takes what comes
 * faster. With two under way it is 200 MiB/s.
 */
const SLOW_MS = 10
const SLOW_WRITES = 3

interface Piece {
  readonly memory: Uint8Array
  readonly at: number
  readonly isAligned: boolean
  used: number
}

/**
 * A new file that is written from its beginning to its end, in large pieces. What comes is copied, so nobody's memory is kept. The first
 * 16 MiB go through the page cache, the rest past it for as long as the disk keeps up.
 */
export class PieceFile {
  readonly #path: string
  readonly #direct: DirectWrites
  readonly #file: Promise<FileHandle>
  #directFile: Promise<FileHandle | undefined> | undefined
  #piece: Piece | undefined
  /** Where the next piece begins. */
  #next = 0
  #pending = 0
  #error: unknown
  /** Slow direct writes in a row. */
  #slow = 0
  /** Pieces that go through the page cache, one after the other. */
  #cached: Promise<void> = Promise.resolve()
  readonly #spare: Uint8Array[] = []
  #waiting: (() => void)[] = []

  constructor(path: string, direct: DirectWrites) {
    this.#path = path
    this.#direct = direct
    this.#file = open(path, 'w')
    this.#file.catch((error: unknown) => this.#fail(error))
  }

  /** What went wrong, if anything; nothing is written any more then. */
  get error(): unknown {
    return this.#error
  }

  /** More is waiting for the disk than should. */
  get isFull(): boolean {
    return this.#pending > (this.#next > DIRECT_FROM ? DIRECT_HIGH_WATER : HIGH_WATER)
  }

  append(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      const piece = (this.#piece ??= this.#newPiece())
      const bytes = Math.min(chunk.length - from, piece.memory.length - piece.used)
      piece.memory.set(chunk.subarray(from, from + bytes), piece.used)
      piece.used += bytes
      from += bytes
      if (piece.used === piece.memory.length) this.#send(piece)
    }
  }

  /** Resolves when it is not full any more, written or failed. */
  async room(): Promise<void> {
    while (this.isFull) await this.#change()
  }

  /** Writes what is left, and closes; look at `error` then. */
  async end(): Promise<void> {
    if (this.#piece !== undefined) this.#send(this.#piece)
    await this.#close()
  }

  /** Closes as soon as nothing is being written. */
  async destroy(error: Error): Promise<void> {
    this.#fail(error)
    if (this.#piece !== undefined) this.#send(this.#piece)
    await this.#close()
  }

  #newPiece(): Piece {
    const isDirect = this.#next >= DIRECT_FROM && this.#slow < SLOW_WRITES
    const aligned = isDirect ? this.#direct.take() : undefined
    const memory = aligned ?? this.#spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES)
    return { memory, at: this.#next, isAligned: aligned !== undefined, used: 0 }
  }

  #send(piece: Piece): void {
    this.#piece = undefined
    this.#next += piece.used
    this.#pending += piece.used
    const isDirect = piece.isAligned && piece.used === DIRECT_BYTES
    const written = isDirect ? this.#writeDirect(piece) : this.#writeCached(piece, 0)
    void written.catch((error: unknown) => this.#fail(error)).then(() => this.#settle(piece))
  }

  async #writeDirect(piece: Piece): Promise<void> {
    let done = 0
    try {
      this.#directFile ??= this.#file.then(() => this.#direct.open(this.#path))
      const file = await this.#directFile
      if (file !== undefined && this.#error === undefined) {
        const began = performance.now()
        done = (await file.write(piece.memory, 0, piece.used, piece.at)).bytesWritten
        this.#slow = performance.now() - began < SLOW_MS ? 0 : this.#slow + 1
      }
    } catch (error) {
      if (!isErrno(error, 'EINVAL')) throw error
      this.#direct.refuse()
    }
    // A full disk, a signal: the rest of a piece is not at a multiple of a block.
    if (done < piece.used) await this.#writeCached(piece, done)
  }

  #writeCached(piece: Piece, from: number): Promise<void> {
    const written = this.#cached.then(async () => {
      const file = await this.#file
      for (let done = from; done < piece.used && this.#error === undefined;) {
        const { bytesWritten } = await file.write(piece.memory, done, piece.used - done, piece.at + done)
        if (bytesWritten === 0) throw new Error('the disk took nothing')
        done += bytesWritten
      }
    })
    this.#cached = written.catch(() => undefined) // who asked for this piece tells of it
    return written
  }

  #settle(piece: Piece): void {
    this.#pending -= piece.used
    if (piece.isAligned) this.#direct.give(piece.memory)
    else this.#spare.push(piece.memory)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #change(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #fail(error: unknown): void {
    this.#error ??= error
  }

  async #close(): Promise<void> {
    while (this.#pending > 0) await this.#change()
    for (const opening of [this.#file, this.#directFile]) {
      // What could not be opened has said so.
      const file = await opening?.catch(() => undefined)
      await file?.close().catch((error: unknown) => this.#fail(error))
    }
  }
}
