import type { PieceMemory } from '../ports/index.js'

/**
 * Memory for the pieces of one stream, filled again once its reader has let go of them: a long body would else be as much garbage as
 * it has bytes, which V8 collects with the whole heap.
 */
export class ReusedMemory implements PieceMemory {
  readonly #free: Buffer[] = []
  readonly #out = new Map<ArrayBufferLike, Buffer>()

  take(bytes: number): Buffer {
    const last = this.#free.pop()
    const memory = last !== undefined && last.length >= bytes ? last : Buffer.allocUnsafeSlow(bytes)
    this.#out.set(memory.buffer, memory)
    return memory.length === bytes ? memory : memory.subarray(0, bytes)
  }

  /** The piece is of this memory, and will be filled again. */
  has(piece: Buffer): boolean {
    return this.#out.has(piece.buffer)
  }

  /** The piece may be written over. What is not from here is left alone. */
  give(piece: Buffer): void {
    const memory = this.#out.get(piece.buffer)
    if (memory === undefined) return
    this.#out.delete(piece.buffer)
    this.#free.push(memory)
  }
}
