import { LRUCache } from 'lru-cache'
import type { BodyRef, ByteRange } from '../ports/index.js'

/** A range over more chunks than this is a download, and would put out what others ask for again. */
const MOST_CHUNKS = 4

/**
 * Chunks of large bodies, checked, that ranges were cut from; the least recently used go first. Who reads a cloud-optimised GeoTIFF,
 * a PMTiles archive or a video asks for the same pieces as everybody else: headers, indexes, overviews.
 */
export class Pieces {
  readonly #chunks: LRUCache<string, Buffer> | undefined

  /** @param maxBytes 0: none are kept. */
  constructor(maxBytes: number) {
    if (maxBytes > 0)
      this.#chunks = new LRUCache({ maxSize: maxBytes, sizeCalculation: chunk => chunk.length })
  }

  /** The bytes of the range, in order, when all of them are here. */
  find(ref: BodyRef, range: ByteRange | undefined): Buffer[] | undefined {
    if (this.#chunks === undefined || range === undefined) return undefined
    const { chunkSize } = ref
    const found: Buffer[] = []
    for (let i = Math.floor(range.first / chunkSize); i * chunkSize <= range.last; i++) {
      const chunk = this.#chunks.get(nameOf(ref, i))
      if (chunk === undefined) return undefined
      found.push(
        chunk.subarray(
          Math.max(range.first - i * chunkSize, 0),
          Math.min(range.last - i * chunkSize + 1, chunk.length),
        ),
      )
    }
    return found
  }

  /** What takes in the chunks of this range as they are read; undefined when they are not to be kept. */
  keeper(ref: BodyRef, range: ByteRange | undefined): ((index: number, chunk: Buffer) => void) | undefined {
    if (this.#chunks === undefined || range === undefined) return undefined
    const { chunkSize } = ref
    if (Math.floor(range.last / chunkSize) - Math.floor(range.first / chunkSize) >= MOST_CHUNKS)
      return undefined
    return (index, chunk) => void this.#chunks!.set(nameOf(ref, index), alone(chunk))
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#chunks?.calculatedSize ?? 0
  }
}

/** Bodies are immutable under their names. */
function nameOf({ id }: BodyRef, index: number): string {
  return `${id}:${index}`
}

/** Not as a part of a larger piece of memory, all of which it would keep. */
function alone(chunk: Buffer): Buffer {
  return chunk.buffer.byteLength > chunk.length
    ? Buffer.from(Uint8Array.prototype.slice.call(chunk).buffer)
    : chunk
}
