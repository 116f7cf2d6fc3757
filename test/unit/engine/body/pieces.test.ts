import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ChunkChecksums } from '../../../../src/engine/body/checks.js'
import { Pieces } from '../../../../src/engine/body/pieces.js'
import { readLarge } from '../../../../src/engine/body/read.js'
import type { BodyRef, ByteRange } from '../../../../src/engine/ports/index.js'
import { memoryBodyStore } from '../../../../src/stores/memory/index.js'

const CHUNK = 8
const bytesOf = (size: number) => Buffer.from(Array.from({ length: size }, (_, i) => (i * 7) % 251))

async function stored(size: number, id = 'l-1') {
  const bodies = memoryBodyStore({ maxBytes: 1 << 20 })
  const bytes = bytesOf(size)
  const checks = new ChunkChecksums(CHUNK)
  checks.update(bytes)
  await bodies.put(id, bytes)
  const ref: BodyRef = { id, size, digest: '', chunkSize: CHUNK, checks: checks.finish() }
  const read = async (pieces: Pieces, range: ByteRange) => {
    const found = pieces.find(ref, range)
    if (found !== undefined) return { from: 'memory', bytes: Buffer.concat(found) }
    const parts: Buffer[] = []
    for await (const part of readLarge(bodies, ref, range, pieces.keeper(ref, range))) parts.push(part)
    return { from: 'store', bytes: Buffer.concat(parts) }
  }
  return { ref, bytes, read }
}

describe('pieces of large bodies', () => {
  test('the second time a range is asked for, it is at hand; so is what lies in the same chunks', async () => {
    const { bytes, read } = await stored(50)
    const pieces = new Pieces(1000)
    expect((await read(pieces, { first: 10, last: 20 })).from).toBe('store')
    for (const range of [
      { first: 10, last: 20 },
      { first: 8, last: 23 },
      { first: 17, last: 17 },
    ]) {
      expect(await read(pieces, range)).toEqual({
        from: 'memory',
        bytes: bytes.subarray(range.first, range.last + 1),
      })
    }
    expect((await read(pieces, { first: 7, last: 9 })).from).toBe('store')
    expect(pieces.bytes).toBe(24)
  })

  test('whatever the ranges: the very bytes', async () => {
    const { bytes, read } = await stored(100)
    const range = fc
      .tuple(fc.nat(99), fc.nat(99))
      .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }))
    await fc.assert(
      fc.asyncProperty(fc.array(range, { maxLength: 8 }), fc.nat(80), async (ranges, room) => {
        const pieces = new Pieces(room)
        for (const { first, last } of ranges)
          expect((await read(pieces, { first, last })).bytes).toEqual(bytes.subarray(first, last + 1))
        expect(pieces.bytes).toBeLessThanOrEqual(room)
      }),
    )
  })

  test('a whole body, and a long range, are no pieces; without room there are none', async () => {
    const { ref, read } = await stored(100)
    const pieces = new Pieces(1000)
    expect(pieces.keeper(ref, undefined)).toBeUndefined()
    expect(pieces.find(ref, undefined)).toBeUndefined()
    await read(pieces, { first: 0, last: 32 })
    expect(pieces.bytes).toBe(0)
    await read(pieces, { first: 0, last: 31 })
    expect(pieces.bytes).toBe(32)
    const none = new Pieces(0)
    for (const from of ['store', 'store']) expect((await read(none, { first: 0, last: 1 })).from).toBe(from)
  })

  test('the pieces of one body are none of another', async () => {
    const one = await stored(20)
    const pieces = new Pieces(1000)
    await one.read(pieces, { first: 0, last: 19 })
    const other = await stored(20, 'l-2')
    expect((await other.read(pieces, { first: 0, last: 19 })).from).toBe('store')
  })
})
