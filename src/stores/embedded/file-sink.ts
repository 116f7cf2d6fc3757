import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BodySink } from '../../engine/ports/index.js'
import type { DirectWrites } from './direct-writes.js'
import type { FreeSpace } from './free-space.js'
import { ioError, isErrno } from './io-error.js'
import { PieceFile } from './piece-file.js'

export interface FileSinkParts {
  readonly temporary: string
  readonly place: string
  readonly space: FreeSpace
  readonly direct: DirectWrites
  /** It has its name, or is gone. */
  readonly onOver?: (sink: FileSink) => void
}

/**
 * Writes a temporary file and gives it its name at the end, so that no reader ever sees a part. There is no fsync: digests in
 * the metadata tell a file that a loss of power has torn.
 */
export class FileSink implements BodySink {
  readonly #file: PieceFile
  #room: Promise<void> | undefined
  #finishing: Promise<void> | undefined

  constructor(private readonly parts: FileSinkParts) {
    this.#file = new PieceFile(parts.temporary, parts.direct)
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    try {
      if (this.#file.error !== undefined) throw this.#file.error
      this.parts.space.take(chunk.length)
      this.#file.append(chunk)
    } catch (error) {
      this.#file.fail(error)
      return Promise.reject(ioError(error))
    }
    if (!this.#file.isBusy) return undefined
    this.#room ??= this.#whenRoom()
    return this.#room
  }

  finish(): Promise<void> {
    return (this.#finishing ??= this.#finish())
  }

  /** A body that `finish` is just about to give its name may get it nevertheless: `finish` tells. */
  async abort(): Promise<void> {
    this.#file.fail(new Error('the body was aborted'))
    if (this.#finishing === undefined) await this.#drop()
    else await this.#finishing.catch(() => undefined) // it has told who asked for it
  }

  async #finish(): Promise<void> {
    await this.#file.end()
    try {
      if (this.#file.error !== undefined) throw this.#file.error
      await moveInto(this.parts.temporary, this.parts.place)
    } catch (error) {
      this.#file.fail(error)
      await this.#drop()
      throw ioError(error)
    }
    this.parts.onOver?.(this)
  }

  async #drop(): Promise<void> {
    await this.#file.end()
    // What can't be removed now goes with the temporary files of crashed processes.
    await rm(this.parts.temporary, { force: true }).catch(() => undefined)
    this.parts.onOver?.(this)
  }

  async #whenRoom(): Promise<void> {
    await this.#file.room()
    this.#room = undefined
    if (this.#file.error !== undefined) throw ioError(this.#file.error)
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
