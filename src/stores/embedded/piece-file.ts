import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { DIRECT_BYTES, type DirectWrites } from './direct-writes.js'

/** Bytes that go to the disk in one call: each is a way to a thread and back. */
const PIECE_BYTES = 262_144
/** Where in a file direct writes begin, bytes: what is smaller is likely to be read again from the page cache. */
export const DIRECT_FROM = 16 * 1_048_576
/** Bytes that may be under way to the disk; and where direct writes have begun, which take long each: three. */
const UNDER_WAY = 1_048_576
const DIRECT_UNDER_WAY = 3 * DIRECT_BYTES
/**
 * Direct writes that take so long, ms, from call to return, and so many in a row: the disk, or what else there is to do, does not
 * keep up, and the page cache takes what comes faster. With three under way it is 300 MiB/s.
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
 * A new file that is written from its beginning to its end, in large pieces, which what comes is copied into. The first 16 MiB go
 * through the page cache, the rest past it for as long as the disk keeps up.
 */
export class PieceFile {
  readonly #path: string
  readonly #direct: DirectWrites
  readonly #file: Promise<FileHandle>
  #directFile: Promise<FileHandle | undefined> | undefined
  /** What came while the disk was busy. */
  #rest: Uint8Array[] = []
  #piece: Piece | undefined
  /** Where the next piece begins. */
  #next = 0
  #underWay = 0
  /** Slow direct writes in a row. */
  #slow = 0
  /** Pieces that go through the page cache, one after the other. */
  #cached: Promise<void> = Promise.resolve()
  #spare: Uint8Array[] = []
  #waiting: (() => void)[] = []
  #closing: Promise<void> | undefined
  #error: unknown

  constructor(path: string, direct: DirectWrites) {
    this.#path = path
    this.#direct = direct
    this.#file = open(path, 'w')
    this.#file.catch((error: unknown) => this.fail(error))
  }

  /** What went wrong first, if anything; nothing is written any more then. */
  get error(): unknown {
    return this.#error
  }

  /** More should come later. */
  get isBusy(): boolean {
    return this.#underWay >= (this.#next > DIRECT_FROM ? DIRECT_UNDER_WAY : UNDER_WAY)
  }

  /** Takes it all; what finds the disk busy is kept as it is, and must not change. */
  append(chunk: Uint8Array): void {
    this.#rest.push(chunk)
    this.#copy()
  }

  /** Resolves when it is not busy any more, written or failed. */
  async room(): Promise<void> {
    while (this.isBusy) await this.#change()
  }

  fail(error: unknown): void {
    this.#error ??= error
    this.#rest = []
  }

  /** Writes what is left, unless it has failed, and closes; look at `error` then. */
  end(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  #copy(): void {
    for (let chunk = this.#rest[0]; chunk !== undefined && !this.isBusy; chunk = this.#rest[0]) {
      const piece = (this.#piece ??= this.#newPiece())
      const part = chunk.subarray(0, piece.memory.length - piece.used)
      piece.memory.set(part, piece.used)
      piece.used += part.length
      if (part.length < chunk.length) this.#rest[0] = chunk.subarray(part.length)
      else this.#rest.shift()
      if (piece.used === piece.memory.length) this.#send(piece)
    }
  }

  #newPiece(): Piece {
    const isDirect = this.#next >= DIRECT_FROM && this.#slow < SLOW_WRITES
    const aligned = isDirect ? this.#direct.take() : undefined
    if (aligned !== undefined) this.#spare = []
    const memory = aligned ?? this.#spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES)
    return { memory, at: this.#next, isAligned: aligned !== undefined, used: 0 }
  }

  #send(piece: Piece): void {
    this.#piece = undefined
    this.#next += piece.used
    this.#underWay += piece.used
    const isDirect = piece.isAligned && piece.used === piece.memory.length
    const written = isDirect ? this.#writeDirect(piece) : this.#writeCached(piece, 0)
    void written.catch((error: unknown) => this.fail(error)).then(() => this.#settle(piece))
  }

  async #writeDirect(piece: Piece): Promise<void> {
    this.#directFile ??= this.#file.then(() => this.#direct.open(this.#path))
    const file = await this.#directFile
    let done = 0
    if (file !== undefined && this.#error === undefined) {
      const began = performance.now()
      done = await this.#direct.write(file, piece.memory, piece.at)
      this.#slow = performance.now() - began < SLOW_MS ? 0 : this.#slow + 1
    }
    // The rest of a piece is not at a multiple of a block.
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
    this.#underWay -= piece.used
    if (piece.isAligned) this.#direct.give(piece.memory)
    else this.#spare.push(piece.memory)
    this.#copy()
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #change(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  async #close(): Promise<void> {
    while (this.#rest.length > 0) await this.#change()
    if (this.#piece !== undefined) this.#send(this.#piece)
    while (this.#underWay > 0) await this.#change()
    for (const opening of [this.#file, this.#directFile]) {
      // What could not be opened has said so.
      const file = await opening?.catch(() => undefined)
      await file?.close().catch((error: unknown) => this.fail(error))
    }
  }
}
