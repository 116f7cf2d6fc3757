import { Readable } from 'node:stream'
import { StrataError } from '../../errors.js'
import type { BodyListing, BodySink, BodyStore, ByteRange } from '../../engine/ports/index.js'
import { missingBody, requireBodyId, shortBody } from '../local/body-id.js'
import { SortedNames } from './ordered-names.js'

const READ_CHUNK = 262_144

interface Body {
  readonly bytes: Buffer
  readonly modified: number
}

/**
 * Bodies in this process's memory.
 * @param maxBytes Bound for all bodies, those being written included. A body that does not fit is refused with
 *   STRATA_STORE_UNAVAILABLE; the engine evicts long before.
 */
export function memoryBodyStore({ maxBytes }: { maxBytes: number }): BodyStore {
  return new MemoryBodyStore(maxBytes)
}

class MemoryBodyStore implements BodyStore {
  readonly name = 'memory'
  readonly #maxBytes: number
  readonly #bodies = new Map<string, Body>()
  readonly #names = new SortedNames()
  #used = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  sink(id: string): BodySink {
    requireBodyId(id)
    let chunks: Buffer[] = []
    let held = 0
    const drop = () => {
      this.#used -= held
      held = 0
      chunks = []
    }
    return {
      write: chunk => {
        if (!this.#fits(chunk.length)) return Promise.reject(full(this.#maxBytes))
        chunks.push(Buffer.from(chunk))
        held += chunk.length
        this.#used += chunk.length
        return undefined
      },
      finish: async () => {
        const bytes = Buffer.concat(chunks)
        drop()
        this.#store(id, bytes)
      },
      abort: async () => drop(),
    }
  }

  async put(id: string, bytes: Uint8Array): Promise<void> {
    requireBodyId(id)
    if (!this.#fits(bytes.length)) throw full(this.#maxBytes)
    this.#store(id, Buffer.from(bytes))
  }

  async get(id: string): Promise<Buffer> {
    return this.#find(id).bytes
  }

  async read(id: string, range?: ByteRange): Promise<Readable> {
    const { bytes } = this.#find(id)
    if (range !== undefined && range.last >= bytes.length) throw shortBody(id, bytes.length, range.last + 1)
    const part = range === undefined ? bytes : bytes.subarray(range.first, range.last + 1)
    return Readable.from(slices(part), { objectMode: false })
  }

  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const body = this.#bodies.get(id)
      if (body === undefined) continue
      this.#used -= body.bytes.length
      this.#bodies.delete(id)
      this.#names.remove(0, id)
    }
  }

  async list(limit: number, cursor?: string): Promise<BodyListing> {
    // The next id in order after the cursor is the cursor with the lowest character behind it.
    const names = this.#names
      .from(0, cursor === undefined ? '' : `${cursor}\0`, limit + 1)
      .map(({ name }) => name)
    const page = names.slice(0, limit)
    const bodies = page.map(id => {
      const { bytes, modified } = this.#bodies.get(id)!
      return { id, size: bytes.length, modified }
    })
    return names.length > limit ? { bodies, cursor: page.at(-1)! } : { bodies }
  }

  ping(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #find(id: string): Body {
    const body = this.#bodies.get(id)
    if (body === undefined) throw missingBody(id)
    return body
  }

  #fits(size: number): boolean {
    return this.#used + size <= this.#maxBytes
  }

  #store(id: string, bytes: Buffer): void {
    this.#used += bytes.length - (this.#bodies.get(id)?.bytes.length ?? 0)
    this.#bodies.set(id, { bytes, modified: Date.now() })
    this.#names.add(0, id)
  }
}

function* slices(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += READ_CHUNK) yield bytes.subarray(at, at + READ_CHUNK)
}

function full(maxBytes: number): StrataError {
  return new StrataError(
    'STRATA_STORE_UNAVAILABLE',
    `the memory store is full (${maxBytes} bytes): raise its limit`,
  )
}
