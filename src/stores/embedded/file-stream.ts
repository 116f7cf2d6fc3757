import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { PieceMemory } from '../../engine/ports/index.js'
import { shortBody } from '../local/body-id.js'
import { ioError } from './io-error.js'

const CHUNK = 262_144

/**
 * Bytes `start` to `end` (exclusive) of an open file, which it closes. Where node's own stream ends early when the file
 * has become shorter, this one is destroyed with STRATA_BODY_DAMAGED.
 */
export class FileStream extends Readable {
  readonly #id: string
  readonly #file: FileHandle
  readonly #end: number
  readonly #memory: PieceMemory | undefined
  #at: number
  #reading: Promise<unknown> = Promise.resolve()

  constructor(id: string, file: FileHandle, start: number, end: number, memory?: PieceMemory) {
    super({ highWaterMark: CHUNK })
    this.#id = id
    this.#file = file
    this.#at = start
    this.#end = end
    this.#memory = memory
  }

  override _read(): void {
    if (this.#at >= this.#end) {
      this.push(null)
      return
    }
    this.#reading = this.#next()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // The descriptor may be given to another file once it is closed: never while a read is under way.
    void this.#reading
      .then(() => this.#file.close())
      .then(
        () => done(error),
        (closing: unknown) => done(error ?? ioError(closing)),
      )
  }

  async #next(): Promise<void> {
    const want = Math.min(CHUNK, this.#end - this.#at)
    try {
      const piece = this.#memory?.take(want) ?? Buffer.allocUnsafeSlow(want)
      const { bytesRead, buffer } = await this.#file.read(piece, 0, want, this.#at)
      if (this.destroyed) return
      if (bytesRead === 0) throw shortBody(this.#id, this.#at, this.#end)
      this.#at += bytesRead
      this.push(bytesRead === want ? buffer : buffer.subarray(0, bytesRead))
    } catch (error) {
      // Not from within this promise, for which _destroy waits.
      setImmediate(() => this.destroy(ioError(error)))
    }
  }
}
