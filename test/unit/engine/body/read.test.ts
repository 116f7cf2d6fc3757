import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { ChunkChecksums, digestOf } from '../../../../src/engine/body/checks.js'
import { readLarge, readSmall } from '../../../../src/engine/body/read.js'
import type { BodyRef, BodyStore, ByteRange } from '../../../../src/engine/ports/index.js'
import { memoryBodyStore } from '../../../../src/stores/memory/index.js'

const DAMAGED = expect.objectContaining({ code: 'STRATA_BODY_DAMAGED' })
const CHUNK = 8
const sample = (size: number) => Buffer.from(Array.from({ length: size }, (_, i) => (i * 7) % 251))

function checksOf(bytes: Buffer, pieces: readonly number[] = [bytes.length]): Uint8Array {
  const checks = new ChunkChecksums(CHUNK)
  let at = 0
  for (const piece of pieces) {
    checks.update(bytes.subarray(at, at + piece))
    at += piece
  }
  checks.update(bytes.subarray(at))
  return checks.finish()
}

/** A store that has `held` under the reference of `meant`. */
async function stored(held: Buffer, meant = held) {
  const bodies = memoryBodyStore({ maxBytes: 1 << 20 })
  const ref: BodyRef = {
    id: 'l-1',
    size: meant.length,
    digest: '',
    chunkSize: CHUNK,
    checks: checksOf(meant),
  }
  await bodies.put(ref.id, held)
  return { bodies, ref }
}

async function read(from: Awaited<ReturnType<typeof stored>>, range?: ByteRange): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of readLarge(from.bodies, from.ref, range)) pieces.push(piece)
  return Buffer.concat(pieces)
}

describe('checksums of chunks', () => {
  test('are CRC-32, little-endian, one for each begun chunk', () => {
    const bytes = sample(20)
    const checks = Buffer.from(checksOf(bytes))
    expect(checks.length).toBe(12)
    expect([0, 1, 2].map(i => checks.readUInt32LE(i * 4))).toEqual(
      [bytes.subarray(0, 8), bytes.subarray(8, 16), bytes.subarray(16)].map(b => crc32(b)),
    )
    expect(checksOf(Buffer.alloc(0))).toHaveLength(0)
    expect(checksOf(sample(16))).toHaveLength(8)
  })

  test('do not depend on how the bytes come', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.array(fc.nat(20), { maxLength: 8 }), (size, pieces) => {
        expect(checksOf(sample(size), pieces)).toEqual(checksOf(sample(size)))
      }),
      { numRuns: 200 },
    )
  })
})

describe('large bodies (P3)', () => {
  test('any range, at any border, has the bytes of the model', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.nat(), fc.nat(), async (size, a, b) => {
        const bytes = sample(size)
        const [first, last] = [a % size, b % size].sort((x, y) => x - y) as [number, number]
        const from = await stored(bytes)
        expect(await read(from, { first, last })).toEqual(bytes.subarray(first, last + 1))
        expect(await read(from)).toEqual(bytes)
      }),
      { numRuns: 300 },
    )
  })

  test('a flipped bit is never given out: what was given before it is right, and the reader fails', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.nat(), fc.nat(7), async (size, at, bit) => {
        const bytes = sample(size)
        const bad = Buffer.from(bytes)
        bad[at % size]! ^= 1 << bit
        const { bodies, ref } = await stored(bad, bytes)
        const given: Buffer[] = []
        const reading = (async () => {
          for await (const piece of readLarge(bodies, ref)) given.push(piece)
        })()
        await expect(reading).rejects.toEqual(DAMAGED)
        const before = Math.floor((at % size) / CHUNK) * CHUNK
        expect(Buffer.concat(given)).toEqual(bytes.subarray(0, before))
      }),
      { numRuns: 200 },
    )
  })

  test('a body that is too short or too long is damaged, wherever it was cut', async () => {
    const bytes = sample(20)
    for (let size = 0; size < 20; size++)
      await expect(read(await stored(bytes.subarray(0, size), bytes))).rejects.toBeInstanceOf(Error)
    await expect(
      read(await stored(bytes.subarray(0, 16), bytes), { first: 17, last: 18 }),
    ).rejects.toBeInstanceOf(Error)
  })

  test.each([
    ['a checksum too few', { checks: new Uint8Array(4) }],
    ['a checksum too many', { checks: new Uint8Array(16) }],
    ['chunks of no size', { chunkSize: 0 }],
  ])('metadata that cannot be: %s', async (_name, wrong) => {
    const { bodies, ref } = await stored(sample(20))
    await expect(read({ bodies, ref: { ...ref, ...wrong } })).rejects.toEqual(DAMAGED)
  })

  test('a body that is gone', async () => {
    const { bodies, ref } = await stored(sample(20))
    await bodies.remove([ref.id])
    await expect(read({ bodies, ref })).rejects.toMatchObject({ code: 'STRATA_BODY_MISSING' })
  })
})

describe('pieces that are written over (P3)', () => {
  /** Streams the body in pieces of these lengths, in memory that it is given. */
  const streaming = (bytes: Buffer, lengths: readonly number[]): BodyStore => ({
    ...memoryBodyStore({ maxBytes: 1 << 20 }),
    read: async (_id, range, memory) => {
      const part = bytes.subarray(range!.first, range!.last + 1)
      const pieces = function* () {
        for (let at = 0, i = 0; at < part.length; i++) {
          const length = Math.min(lengths[i % lengths.length]!, part.length - at)
          const piece = memory?.take(length) ?? Buffer.alloc(length)
          part.copy(piece, 0, at, at + length)
          yield piece
          at += length
        }
      }
      return Readable.from(pieces(), { highWaterMark: 1 })
    },
  })

  test('however they come, who has let go of a piece gets the next one right', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 90 }), lengths, fc.nat(), async (size, pieces, seed) => {
        const bytes = sample(size)
        const ref: BodyRef = { id: 'l-1', size, digest: '', chunkSize: CHUNK, checks: checksOf(bytes) }
        const chunks = readLarge(streaming(bytes, pieces), ref)
        const held: { at: number; chunk: Buffer }[] = []
        let at = 0
        for (let i = 0, next = await chunks.next(); next.done !== true; i++) {
          const chunk = next.value
          expect(chunk).toEqual(bytes.subarray(at, at + chunk.length))
          // Some are let go of, the others must stay as they are.
          const isFree = (seed >> (i % 16)) % 2 === 1
          if (!isFree) held.push({ at, chunk })
          at += chunk.length
          next = await chunks.next(isFree)
        }
        expect(at).toBe(size)
        for (const { at, chunk } of held) expect(chunk).toEqual(bytes.subarray(at, at + chunk.length))
      }),
      { numRuns: 500 },
    )
  })
})

describe('memory that passes is told of', () => {
  const bytes = sample(4 * CHUNK)
  const ref: BodyRef = {
    id: 'l-1',
    size: bytes.length,
    digest: '',
    chunkSize: CHUNK,
    checks: checksOf(bytes),
  }
  /** What is told when the body comes from the store in pieces of `length` bytes. */
  async function told(length: number, isReused: boolean) {
    const told: number[] = []
    const bodies: BodyStore = {
      ...memoryBodyStore({ maxBytes: 1 << 20 }),
      read: async (_id, _range, memory) => {
        const pieces = function* () {
          for (let at = 0; at < bytes.length; at += length) {
            const piece = isReused ? memory!.take(length) : Buffer.alloc(length)
            bytes.copy(piece, 0, at, at + length)
            yield piece
          }
        }
        return Readable.from(pieces())
      },
    }
    const passing = { passing: (bytes: number) => void told.push(bytes) }
    const given: Buffer[] = []
    for await (const piece of readLarge(bodies, ref, undefined, undefined, passing))
      given.push(Buffer.from(piece))
    expect(Buffer.concat(given)).toEqual(bytes)
    return told
  }

  test('each piece that the store has made', async () => {
    expect(await told(2 * CHUNK, false)).toEqual([16, 16])
  })

  test('and each chunk that is put together of several', async () => {
    expect(await told(CHUNK / 2, false)).toEqual([4, 4, 8, 4, 4, 8, 4, 4, 8, 4, 4, 8])
  })

  test('not what is filled again', async () => {
    expect(await told(CHUNK, true)).toEqual([])
  })
})

describe('small bodies (P3)', () => {
  const bytes = sample(20)
  const ref: BodyRef = {
    id: 's-1',
    size: 20,
    digest: digestOf(bytes),
    chunkSize: 0,
    checks: new Uint8Array(0),
  }
  const holding = async (held: Buffer) => {
    const bodies = memoryBodyStore({ maxBytes: 1 << 20 })
    await bodies.put(ref.id, held)
    return bodies
  }

  test('come whole', async () => {
    expect(await readSmall(await holding(bytes), ref)).toEqual(bytes)
  })

  test('not with another byte, or another length', async () => {
    const bad = Buffer.from(bytes)
    bad[3]! ^= 1
    for (const held of [bad, bytes.subarray(1), Buffer.concat([bytes, bytes])])
      await expect(readSmall(await holding(held), ref)).rejects.toEqual(DAMAGED)
    await expect(readSmall(await holding(bytes), { ...ref, size: 19 })).rejects.toEqual(DAMAGED)
  })

  test('an empty one needs no store', async () => {
    const bodies = memoryBodyStore({ maxBytes: 1 })
    expect(await readSmall(bodies, { ...ref, id: '', size: 0, digest: '' })).toHaveLength(0)
  })
})
