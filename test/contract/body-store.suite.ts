import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { isStrataError } from '../../src/errors.js'
import type { BodySink, BodyStore } from '../../src/engine/ports/index.js'

/** What an adapter gives to the suite: a new, empty store. */
export interface BodyHarness {
  readonly store: BodyStore
  cleanup(): Promise<void>
}

/** Bytes that no chunk order but the right one gives: each 4-byte word is its index, mixed. */
export function sampleBytes(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size)
  for (let i = 0; i + 4 <= size; i += 4) bytes.writeUInt32LE(Math.imul(i + seed, 2_654_435_761) >>> 0, i)
  return bytes
}

/** Writes as the engine does: waits when told to. */
export async function writeAll(sink: BodySink, bytes: Uint8Array, chunk = 65_536): Promise<void> {
  for (let at = 0; at < bytes.length; at += chunk) {
    const wait = sink.write(bytes.subarray(at, at + chunk))
    if (wait) await wait
  }
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** The contract of the body port (src/engine/ports/body-store.ts): every adapter runs it whole. */
export function bodyStoreSuite(name: string, open: () => Promise<BodyHarness>): void {
  describe(`BodyStore contract: ${name}`, () => {
    let harness: BodyHarness | undefined
    let store: BodyStore
    beforeEach(async () => {
      harness = await open()
      store = harness.store
    })
    afterEach(async () => {
      await harness?.cleanup()
      harness = undefined
    })

    const listAll = async (limit = 100) => {
      const ids: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.list(limit, cursor)
        ids.push(...page.bodies.map(b => b.id))
        cursor = page.cursor
      } while (cursor !== undefined)
      return ids.sort()
    }
    const fill = async (id: string, bytes: Uint8Array, chunk?: number) => {
      const sink = store.sink(id)
      await writeAll(sink, bytes, chunk)
      await sink.finish()
    }
    const expectMissing = async (id: string) => {
      const failed = (error: unknown) => isStrataError(error, 'STRATA_BODY_MISSING')
      expect(failed(await store.get(id).catch((e: unknown) => e))).toBe(true)
      expect(failed(await store.read(id).catch((e: unknown) => e))).toBe(true)
      expect(failed(await store.read(id, { first: 0, last: 1 }).catch((e: unknown) => e))).toBe(true)
    }

    describe('put and get', () => {
      test('a small body comes back as it was', async () => {
        const bytes = sampleBytes(10_000)
        await store.put('s-small', bytes)
        const found = await store.get('s-small')
        expect(Buffer.isBuffer(found)).toBe(true)
        expect(found.equals(bytes)).toBe(true)
        expect((await readAll(await store.read('s-small'))).equals(bytes)).toBe(true)
      })

      test('a body of one byte, and ids of every allowed form', async () => {
        for (const id of ['a', '-', '_', 'A-_z09', 'x'.repeat(64), '--help', 's-_-']) {
          await store.put(id, Buffer.from(id.slice(0, 1)))
          expect((await store.get(id)).toString()).toBe(id.slice(0, 1))
        }
      })

      test('ids that differ in case alone are two bodies', async () => {
        await store.put('Abc', Buffer.from('upper'))
        await store.put('abc', Buffer.from('lower'))
        expect((await store.get('Abc')).toString()).toBe('upper')
        expect((await store.get('abc')).toString()).toBe('lower')
      })

      test('writing the same id again is harmless, also at the same time', async () => {
        const bytes = sampleBytes(50_000)
        await store.put('again', bytes)
        await store.put('again', bytes)
        await Promise.all([store.put('again', bytes), store.put('again', bytes), fill('again', bytes)])
        expect((await store.get('again')).equals(bytes)).toBe(true)
        expect(await listAll()).toEqual(['again'])
      })

      test('what the caller does with its buffer afterwards does not change the body', async () => {
        const bytes = Buffer.from('the bytes')
        await store.put('mine', bytes)
        bytes.fill(0)
        expect((await store.get('mine')).toString()).toBe('the bytes')
      })

      test('many puts at once', async () => {
        const ids = Array.from({ length: 50 }, (_, i) => `many-${i}`)
        await Promise.all(ids.map((id, i) => store.put(id, sampleBytes(1_000 + i, i))))
        await Promise.all(
          ids.map(async (id, i) =>
            expect((await store.get(id)).equals(sampleBytes(1_000 + i, i))).toBe(true),
          ),
        )
        expect(await listAll(7)).toEqual(ids.sort())
      })

      test('an unknown id is a missing body', async () => {
        await expectMissing('unknown')
      })

      test('a name that is no body id reaches nothing', async () => {
        for (const id of ['../escape', 'a/b', '', '.', 'x'.repeat(65), 'a\0b', 'ü']) {
          await expectMissing(id)
          await expect(store.put(id, Buffer.from('x'))).rejects.toThrow()
          await store.remove([id])
        }
        expect(await listAll()).toEqual([])
      })
    })

    describe('sink', () => {
      test('the body can be read after finish, and not before', async () => {
        const bytes = sampleBytes(200_000)
        const sink = store.sink('late')
        await writeAll(sink, bytes)
        await expectMissing('late')
        expect(await listAll()).toEqual([])
        await sink.finish()
        expect((await readAll(await store.read('late'))).equals(bytes)).toBe(true)
      })

      test('chunks of every size keep their order', async () => {
        const bytes = sampleBytes(100_003)
        for (const chunk of [1_000, 7_777, 65_536, 200_000]) {
          await fill(`chunk-${chunk}`, bytes, chunk)
          expect((await store.get(`chunk-${chunk}`)).equals(bytes)).toBe(true)
        }
      })

      test('writes that do not wait keep their order as well', async () => {
        const bytes = sampleBytes(1_000_000)
        const sink = store.sink('rushed')
        const waits = []
        for (let at = 0; at < bytes.length; at += 10_000)
          waits.push(sink.write(bytes.subarray(at, at + 10_000)))
        await Promise.all(waits)
        await sink.finish()
        expect(sha(await store.get('rushed'))).toBe(sha(bytes))
      })

      test('20 MiB go through, with a reader that stops and starts', async () => {
        const bytes = sampleBytes(20 * 1_048_576)
        await fill('large', bytes)
        const stream = await store.read('large')
        const hash = createHash('sha256')
        let size = 0
        for await (const chunk of stream) {
          hash.update(chunk as Buffer)
          size += (chunk as Buffer).length
          await new Promise(resolve => setImmediate(resolve))
        }
        expect(size).toBe(bytes.length)
        expect(hash.digest('hex')).toBe(sha(bytes))
      })

      test('abort leaves nothing: before, amid and after the writes', async () => {
        const before = store.sink('aborted')
        await before.abort()
        const amid = store.sink('aborted')
        await writeAll(amid, sampleBytes(300_000))
        await amid.abort()
        await amid.abort()
        const pending = store.sink('aborted')
        const wait = pending.write(sampleBytes(8 * 1_048_576))
        await pending.abort()
        await Promise.resolve(wait).catch(() => undefined)
        await expectMissing('aborted')
        expect(await listAll()).toEqual([])
      })

      test('an abort takes nothing from a body that another sink has finished', async () => {
        const bytes = sampleBytes(100_000)
        const loser = store.sink('shared')
        await writeAll(loser, bytes.subarray(0, 50_000))
        await fill('shared', bytes)
        await loser.abort()
        expect((await store.get('shared')).equals(bytes)).toBe(true)
      })
    })

    describe('read', () => {
      const bytes = sampleBytes(300_000)
      beforeEach(() => fill('ranged', bytes))

      test.each([
        [0, 0],
        [0, 299_999],
        [299_999, 299_999],
        [1, 262_144],
        [262_143, 262_145],
        [100_000, 250_000],
      ])('bytes %d to %d, both inclusive', async (first, last) => {
        const found = await readAll(await store.read('ranged', { first, last }))
        expect(found.equals(bytes.subarray(first, last + 1))).toBe(true)
      })

      test('a range that the body does not hold is an error, never a short end', async () => {
        const attempt = async (first: number, last: number) =>
          readAll(await store.read('ranged', { first, last }))
        await expect(attempt(0, 300_000)).rejects.toThrow()
        await expect(attempt(299_000, 400_000)).rejects.toThrow()
        await expect(attempt(300_000, 300_001)).rejects.toThrow()
      })

      test('a reader that leaves early harms nobody', async () => {
        const leaving = await store.read('ranged')
        leaving.on('error', () => undefined)
        leaving.destroy()
        await once(leaving, 'close')
        expect((await readAll(await store.read('ranged'))).equals(bytes)).toBe(true)
      })

      test('many readers at once', async () => {
        const found = await Promise.all(
          Array.from({ length: 10 }, async () => readAll(await store.read('ranged'))),
        )
        expect(found.every(b => b.equals(bytes))).toBe(true)
      })

      test('a body removed while it is read: the reader gets all of it or an error', async () => {
        const large = sampleBytes(4 * 1_048_576)
        await fill('vanishing', large)
        const stream = await store.read('vanishing')
        const chunks: Buffer[] = []
        let failed = false
        try {
          for await (const chunk of stream) {
            if (chunks.push(chunk as Buffer) === 1) await store.remove(['vanishing'])
          }
        } catch {
          failed = true
        }
        expect(failed || Buffer.concat(chunks).equals(large)).toBe(true)
        await expectMissing('vanishing')
      })
    })

    describe('remove and list', () => {
      test('removed bodies are missing; unknown ids are no error', async () => {
        await store.put('a', Buffer.from('a'))
        await store.put('b', Buffer.from('b'))
        await store.remove(['a', 'unknown'])
        await store.remove([])
        await expectMissing('a')
        expect((await store.get('b')).toString()).toBe('b')
        expect(await listAll()).toEqual(['b'])
      })

      test('more than a thousand ids at once', async () => {
        await store.put('id-0', Buffer.from('a'))
        await store.put('id-1199', Buffer.from('b'))
        await store.put('stays', Buffer.from('c'))
        await store.remove(Array.from({ length: 1_200 }, (_, i) => `id-${i}`))
        expect(await listAll()).toEqual(['stays'])
      })

      test('a removed id can be written again', async () => {
        await store.put('phoenix', Buffer.from('old'))
        await store.remove(['phoenix'])
        await store.put('phoenix', Buffer.from('new'))
        expect((await store.get('phoenix')).toString()).toBe('new')
      })

      test('the list gives each body with its size and time, page by page', async () => {
        expect(await store.list(10)).toEqual({ bodies: [] })
        const sizes = new Map(Array.from({ length: 23 }, (_, i) => [`body-${i}`, 10 + i]))
        for (const [id, size] of sizes) await store.put(id, sampleBytes(size))
        const found = new Map<string, number>()
        let cursor: string | undefined
        do {
          const page = await store.list(5, cursor)
          expect(page.bodies.length).toBeLessThanOrEqual(5)
          for (const { id, size, modified } of page.bodies) {
            found.set(id, size)
            expect(modified).toBeGreaterThan(Date.parse('2020-01-01'))
            expect(modified).toBeLessThan(Date.parse('2100-01-01'))
          }
          cursor = page.cursor
        } while (cursor !== undefined)
        expect(found).toEqual(sizes)
      })

      test('what stays during the listing is listed while others go', async () => {
        const ids = Array.from({ length: 30 }, (_, i) => `body-${i}`)
        for (const id of ids) await store.put(id, Buffer.from(id))
        const found = new Set<string>()
        let cursor: string | undefined
        do {
          const page = await store.list(4, cursor)
          for (const { id } of page.bodies) found.add(id)
          await store.remove(page.bodies.map(b => b.id).filter(id => id.endsWith('1')))
          cursor = page.cursor
        } while (cursor !== undefined)
        expect([...found].sort()).toEqual(ids.sort())
      })

      test('the backend answers a ping', async () => {
        expect(await store.ping()).toBeUndefined()
        expect(store.name).toMatch(/^[a-z0-9-]+$/)
      })
    })
  })
}
