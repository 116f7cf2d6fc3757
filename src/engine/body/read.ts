import { StrataError } from '../../errors.js'
import type { BodyRef, BodyStore, ByteRange } from '../ports/index.js'
import { digestOf } from './checks.js'
import { crc32 } from './crc32.js'
import { passingMemory, type PassingMemory } from './passing-memory.js'
import { ReusedMemory } from './reused-memory.js'

/** Where small bodies are read. */
export interface SmallBodies {
  get(id: string): Buffer | Promise<Buffer>
}

const EMPTY = Buffer.alloc(0)

/**
 * A small body, whole, its digest checked before anyone sees a byte (P3): at once, without a promise, when the store has it at once.
 * @throws STRATA_BODY_MISSING, STRATA_BODY_DAMAGED, or what the store throws.
 */
export function readSmall(bodies: SmallBodies, ref: BodyRef): Buffer | Promise<Buffer> {
  if (ref.size === 0) return EMPTY
  const bytes = bodies.get(ref.id)
  return bytes instanceof Promise ? bytes.then(whole => checked(whole, ref)) : checked(bytes, ref)
}

function checked(bytes: Buffer, ref: BodyRef): Buffer {
  if (bytes.length !== ref.size || digestOf(bytes) !== ref.digest) throw damaged(ref)
  return bytes
}

/**
 * A large body, or a part of it, as checked pieces: each chunk is held until its checksum agrees, so no wrong byte goes out.
 * Reading starts at a chunk's border; what lies before the asked range is checked and dropped. `next(true)` says that nobody has the
 * piece before it any more: its memory is then written over.
 */
export async function* readLarge(
  bodies: BodyStore,
  ref: BodyRef,
  range?: ByteRange,
  /** Told of each chunk that has been checked. */
  keep?: (index: number, chunk: Buffer) => void,
  passing: Pick<PassingMemory, 'passing'> = passingMemory,
): AsyncGenerator<Buffer, void, boolean | void> {
  const { chunkSize, size } = ref
  const first = range?.first ?? 0
  const last = range?.last ?? size - 1
  if (chunkSize <= 0 || ref.checks.length !== Math.ceil(size / chunkSize) * 4) throw damaged(ref)
  const checks = Buffer.from(ref.checks.buffer, ref.checks.byteOffset, ref.checks.length)
  const from = Math.floor(first / chunkSize) * chunkSize
  const to = Math.min((Math.floor(last / chunkSize) + 1) * chunkSize, size) - 1
  const memory = keep === undefined ? new ReusedMemory() : undefined
  const stream = await bodies.read(ref.id, { first: from, last: to }, memory)
  let position = from
  let held: Buffer[] = []
  let heldBytes = 0
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      if (memory?.has(piece) !== true) passing.passing(piece.length)
      let offset = 0
      while (offset < piece.length) {
        const chunkEnd = Math.min((Math.floor(position / chunkSize) + 1) * chunkSize, to + 1)
        const take = Math.min(chunkEnd - position - heldBytes, piece.length - offset)
        if (take <= 0) throw damaged(ref)
        held.push(piece.subarray(offset, offset + take))
        heldBytes += take
        offset += take
        if (position + heldBytes < chunkEnd) continue
        const chunk = held.length === 1 ? held[0]! : Buffer.concat(held)
        if (held.length > 1) passing.passing(chunk.length)
        const index = Math.floor(position / chunkSize)
        if (crc32(chunk) !== checks.readUInt32LE(index * 4)) throw damaged(ref)
        keep?.(index, chunk)
        const start = Math.max(first - position, 0)
        const end = Math.min(last - position + 1, chunk.length)
        const isFree = yield start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end)
        // Not where a piece of the stream holds a part of another chunk as well.
        if (isFree === true && held.length === 1 && take === piece.length) memory?.give(piece)
        position += heldBytes
        held = []
        heldBytes = 0
      }
    }
  } finally {
    stream.destroy()
  }
  if (position !== to + 1) throw damaged(ref)
}

function damaged(ref: BodyRef): StrataError {
  return new StrataError(
    'STRATA_BODY_DAMAGED',
    `stored body ${ref.id} does not agree with its metadata; the entry is dropped`,
  )
}
