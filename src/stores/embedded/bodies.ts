import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { access, constants, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { BodyListing, BodySink, BodyStore, ByteRange, PieceMemory } from '../../engine/ports/index.js'
import { isBodyId, missingBody, requireBodyId, shortBody } from '../local/body-id.js'
import { listBodies, placeOf, removeStaleFiles } from './body-folder.js'
import { DirectWrites } from './direct-writes.js'
import { FileSink, moveInto } from './file-sink.js'
import { FileStream } from './file-stream.js'
import { BODY_RESERVE, FreeSpace } from './free-space.js'
import { ioError, isErrno } from './io-error.js'

/** A temporary file that was not written to for so long belongs to no running fill, ms. */
const STALE_MS = 3_600_000
/** … and for so long, when there is no such process here: it might be one of another container, ms. */
const ABANDONED_MS = 60_000
/** Tells this process from an earlier one with its number, as in a container that was started anew. */
const RUN = randomUUID().slice(0, 8)
const REMOVES_AT_ONCE = 16

/**
 * Bodies as files below `path`, shared by all processes of the machine.
 * @throws StrataError STRATA_STORE_UNAVAILABLE when the folder can't be made.
 */
export function fsBodyStore({ path }: { path: string }): BodyStore {
  return new FileBodyStore(path)
}

class FileBodyStore implements BodyStore {
  readonly name = 'embedded'
  readonly #root: string
  readonly #temporary: string
  readonly #space: FreeSpace
  readonly #direct = new DirectWrites()
  /** Those that are neither finished nor aborted. */
  readonly #sinks = new Set<FileSink>()
  #cleaning: Promise<void>

  constructor(root: string) {
    this.#root = root
    // In the same file system, so that a rename is all it takes.
    this.#temporary = join(root, 'tmp')
    this.#space = new FreeSpace(root, BODY_RESERVE)
    try {
      mkdirSync(this.#temporary, { recursive: true })
    } catch (error) {
      throw ioError(error)
    }
    this.#cleaning = this.#clean()
  }

  sink(id: string): BodySink {
    requireBodyId(id)
    const sink = new FileSink({
      temporary: this.#newTemporary(),
      place: this.#place(id),
      space: this.#space,
      direct: this.#direct,
      onOver: over => this.#sinks.delete(over),
    })
    this.#sinks.add(sink)
    return sink
  }

  async put(id: string, bytes: Uint8Array): Promise<void> {
    requireBodyId(id)
    this.#space.take(bytes.length)
    const temporary = this.#newTemporary()
    try {
      await writeFile(temporary, bytes)
      await moveInto(temporary, this.#place(id))
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined) // the first error is the one to report
      throw ioError(error)
    }
  }

  async get(id: string): Promise<Buffer> {
    if (!isBodyId(id)) throw missingBody(id)
    try {
      return await readFile(this.#place(id))
    } catch (error) {
      throw isErrno(error, 'ENOENT') ? missingBody(id, error) : ioError(error)
    }
  }

  async read(id: string, range?: ByteRange, memory?: PieceMemory): Promise<Readable> {
    if (!isBodyId(id)) throw missingBody(id)
    let file
    try {
      file = await open(this.#place(id))
    } catch (error) {
      throw isErrno(error, 'ENOENT') ? missingBody(id, error) : ioError(error)
    }
    try {
      const { size } = await file.stat()
      if (range !== undefined && range.last >= size) throw shortBody(id, size, range.last + 1)
      return new FileStream(id, file, range?.first ?? 0, range === undefined ? size : range.last + 1, memory)
    } catch (error) {
      await file.close()
      throw ioError(error)
    }
  }

  async remove(ids: readonly string[]): Promise<void> {
    const left = ids.filter(isBodyId)
    const worker = async () => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) await rm(this.#place(id), { force: true })
    }
    try {
      await Promise.all(Array.from({ length: REMOVES_AT_ONCE }, worker))
    } catch (error) {
      throw ioError(error)
    }
  }

  list(limit: number, cursor?: string): Promise<BodyListing> {
    return listBodies(this.#root, limit, cursor)
  }

  async ping(): Promise<void> {
    try {
      await access(this.#temporary, constants.W_OK)
    } catch (error) {
      throw ioError(error)
    }
  }

  async clean(): Promise<void> {
    const now = Date.now()
    await removeStaleFiles(this.#temporary, name => now - (isAbandoned(name) ? ABANDONED_MS : STALE_MS))
  }

  async close(): Promise<void> {
    // What is not finished would lie there until the next start.
    await Promise.all([...this.#sinks].map(sink => sink.abort()))
    await this.#cleaning
  }

  #place(id: string): string {
    return join(this.#root, placeOf(id))
  }

  #newTemporary(): string {
    return join(this.#temporary, `${process.pid}-${RUN}-${randomUUID()}`)
  }

  /** Never rejects: what can't be cleaned now is tried by the next sweep, and `ping` and writes tell of a folder that is broken. */
  async #clean(): Promise<void> {
    await this.clean().catch(() => undefined)
  }
}

/** The process that began this temporary file is no more. */
function isAbandoned(name: string): boolean {
  const [pid = '', run] = name.split('-')
  if (!/^[1-9]\d*$/.test(pid)) return false
  if (Number(pid) === process.pid) return run !== RUN
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    // EPERM: it is somebody else's, and alive.
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
