import { createWriteStream } from 'node:fs'
import type { WriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BodySink } from '../../engine/ports/index.js'
import type { FreeSpace } from './free-space.js'
import { ioError, isErrno } from './io-error.js'

/** Bytes that may wait for the disk before the writer is told to wait. */
const HIGH_WATER = 1_048_576
/** Bytes that go to the disk in one call: each is a way to a thread and back. */
const TOGETHER = 262_144

/**
 * Writes a temporary file and gives it its name at the end, so that no reader ever sees a part. There is no fsync: digests in
 * the metadata tell a file that a loss of power has torn.
 */
export class FileSink implements BodySink {
  readonly #temporary: string
  readonly #place: string
  readonly #stream: WriteStream
  readonly #space: FreeSpace
  readonly #closed: Promise<void>
  #error: Error | undefined
  #drained: Promise<void> | undefined
  /** Bytes that the stream keeps back; undefined: none, it is not corked. */
  #corked: number | undefined

  constructor(temporary: string, place: string, space: FreeSpace) {
    this.#temporary = temporary
    this.#place = place
    this.#space = space
    this.#stream = createWriteStream(temporary, { highWaterMark: HIGH_WATER })
    this.#stream.on('error', error => {
      this.#error = error
    })
    this.#closed = new Promise(resolve => this.#stream.once('close', resolve))
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#error !== undefined) return Promise.reject(ioError(this.#error))
    try {
      this.#space.take(chunk.length)
    } catch (error) {
      this.#error = error as Error
      return Promise.reject(this.#error)
    }
    if (this.#corked === undefined) this.#stream.cork()
    const hasRoom = this.#stream.write(chunk)
    // A chunk may be empty: undici brings such where a message goes on after a pause.
    this.#corked = (this.#corked ?? 0) + chunk.length
    // Who waits for room waits for all of it to be written: nothing may stay behind then, whoever wrote it.
    if (this.#corked >= TOGETHER || !hasRoom || this.#drained !== undefined) {
      this.#corked = undefined
      this.#stream.uncork()
    }
    if (hasRoom) return undefined
    this.#drained ??= this.#drain()
    return this.#drained
  }

  async finish(): Promise<void> {
    this.#stream.end()
    await this.#closed
    if (this.#error === undefined && this.#stream.writableFinished) {
      try {
        return await moveInto(this.#temporary, this.#place)
      } catch (error) {
        this.#error = error as Error
      }
    }
    await this.abort()
    throw ioError(this.#error ?? new Error('the body was aborted'))
  }

  async abort(): Promise<void> {
    this.#stream.destroy()
    await this.#closed
    // What can't be removed now goes with the temporary files of crashed processes.
    await rm(this.#temporary, { force: true }).catch(() => undefined)
  }

  async #drain(): Promise<void> {
    await new Promise<void>(resolve => {
      const done = () => {
        this.#stream.off('drain', done)
        this.#stream.off('close', done)
        resolve()
      }
      this.#stream.once('drain', done)
      this.#stream.once('close', done)
    })
    this.#drained = undefined
    if (this.#error !== undefined) throw ioError(this.#error)
  }
}

/** Renames, and makes the folder when it is the first file in it. */
export async function moveInto(temporary: string, place: string): Promise<void> {
  try {
    await rename(temporary, place)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    await mkdir(dirname(place), { recursive: true })
    await rename(temporary, place)
  }
}
