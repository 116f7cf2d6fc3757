import { hash } from 'node:crypto'
import { crc32 } from './crc32.js'

/** Bytes of a large body that one checksum covers. */
export const CHUNK_BYTES = 256 * 1024

/** SHA-256, base64url: the digest and the shared name of a small body. */
export function digestOf(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64url')
}

/** CRC-32 for each chunk of a body as it streams by. */
export class ChunkChecksums {
  readonly #done: number[] = []
  #crc = 0
  #filled = 0

  constructor(private readonly chunkSize = CHUNK_BYTES) {}

  /** So many it has seen. */
  get bytes(): number {
    return this.#done.length * this.chunkSize + this.#filled
  }

  update(bytes: Uint8Array): void {
    let offset = 0
    while (offset < bytes.length) {
      const take = Math.min(this.chunkSize - this.#filled, bytes.length - offset)
      this.#crc = crc32(bytes.subarray(offset, offset + take), this.#crc)
      this.#filled += take
      offset += take
      if (this.#filled === this.chunkSize) this.#close()
    }
  }

  /** All checksums, 4 bytes little-endian each. */
  finish(): Uint8Array {
    if (this.#filled > 0) this.#close()
    const out = Buffer.alloc(this.#done.length * 4)
    this.#done.forEach((crc, i) => out.writeUInt32LE(crc, i * 4))
    return out
  }

  #close(): void {
    this.#done.push(this.#crc)
    this.#crc = 0
    this.#filled = 0
  }
}
