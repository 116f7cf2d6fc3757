import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { DIRECT_BYTES, DirectWrites } from '../../src/stores/embedded/direct-writes.js'
import { FileSink } from '../../src/stores/embedded/file-sink.js'
import { FreeSpace } from '../../src/stores/embedded/free-space.js'
import { DIRECT_FROM } from '../../src/stores/embedded/piece-file.js'
import { failure } from '../support/failure.js'
import { sampleBytes, writeAll } from './body-store.suite.js'

type Write = (
  memory: Uint8Array,
  from: number,
  bytes: number,
  at: number,
) => Promise<{ bytesWritten: number }>

/** Counts, and lets a test stand between a direct write and its file. */
class SeenWrites extends DirectWrites {
  out = 0
  mostOut = 0
  readonly written: number[] = []
  meddle: (write: Write) => Write = write => write

  override take(): Uint8Array | undefined {
    const memory = super.take()
    if (memory !== undefined) this.out++
    this.mostOut = Math.max(this.mostOut, this.out)
    return memory
  }

  override give(memory: Uint8Array): void {
    this.out--
    super.give(memory)
  }

  /** Through the page cache, so that each file system will do. */
  override async open(path: string): Promise<FileHandle | undefined> {
    const file = await open(path, 'r+')
    const write = this.meddle((memory, from, bytes, at) => file.write(memory, from, bytes, at))
    const seen: Write = (memory, from, bytes, at) => {
      this.written.push(at)
      return write(memory, from, bytes, at)
    }
    return { write: seen, close: () => file.close() } as FileHandle
  }
}

const PIECES = 5
const BYTES = DIRECT_FROM + PIECES * DIRECT_BYTES + 1_234
const POSITIONS = Array.from({ length: PIECES }, (_, i) => DIRECT_FROM + i * DIRECT_BYTES)

describe('bodies in the embedded store, written past the page cache', () => {
  const bytes = sampleBytes(BYTES)
  let path: string
  let direct: SeenWrites
  let place: string
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'strata.direct-'))
    place = join(path, 'body')
    direct = new SeenWrites()
  })
  afterEach(async () => {
    jest.restoreAllMocks()
    await rm(path, { recursive: true })
  })

  const newSink = (writes: DirectWrites = direct) =>
    new FileSink({ temporary: join(path, 'temporary'), place, space: new FreeSpace(path, 0), direct: writes })

  async function store(writes?: DirectWrites): Promise<void> {
    const sink = newSink(writes)
    await writeAll(sink, bytes, 65_521)
    await sink.finish()
    expect((await readFile(place)).equals(bytes)).toBe(true)
    expect(await readdir(path)).toEqual(['body'])
  }

  test('by the file system that is here, whether it can or not', async () => {
    const writes = new DirectWrites()
    await store(writes)
    await store(writes)
  })

  test('its memory is what a file system that can wants it to be', async () => {
    const writes = new DirectWrites()
    await writeFile(place, '')
    const file = await writes.open(place)
    for (let i = 0; file !== undefined && i < 3; i++)
      expect((await file.write(writes.take()!, 0, DIRECT_BYTES, i * DIRECT_BYTES)).bytesWritten).toBe(
        DIRECT_BYTES,
      )
    await file?.close()
  })

  test('all whole pieces after the first 16 MiB, each in its place; their memory is given back', async () => {
    await store()
    expect(direct.written.sort((a, b) => a - b)).toEqual(POSITIONS)
    expect(direct.out).toBe(0)
  })

  test('a smaller body does not ask for it', async () => {
    const sink = newSink()
    await writeAll(sink, bytes.subarray(0, DIRECT_FROM))
    await sink.finish()
    expect(direct.written).toEqual([])
    expect((await readFile(place)).equals(bytes.subarray(0, DIRECT_FROM))).toBe(true)
  })

  test('one large chunk takes no more memory than many small ones', async () => {
    const sink = newSink()
    const written = sink.write(bytes)
    await sink.finish()
    await written
    expect((await readFile(place)).equals(bytes)).toBe(true)
    expect(direct.written).toHaveLength(PIECES)
    expect(direct.mostOut).toBeLessThanOrEqual(4)
  })

  test.each(['EINVAL', 'EOPNOTSUPP'])(
    'a file system that refuses (%s) gets all of it the other way, and is not asked again',
    async code => {
      direct.meddle = () => () => Promise.reject(Object.assign(new Error(code), { code }))
      await store()
      expect(direct.written.length).toBeGreaterThan(0)
      expect(direct.out).toBe(0)
      direct.written.length = 0
      await store()
      expect(direct.written).toEqual([])
    },
  )

  test('a file system that refuses to open it so gets all of it the other way', async () => {
    direct.open = () => Promise.resolve(undefined)
    await store()
    expect(direct.out).toBe(0)
  })

  test('of a write that took a part of a piece, the rest follows', async () => {
    direct.meddle = write => (memory, from, bytes, at) => write(memory, from, bytes - 4_095, at)
    await store()
    expect(direct.written).toHaveLength(PIECES)
  })

  test('a disk that takes long gets the rest through the page cache, which takes it faster', async () => {
    let now = 0
    jest.spyOn(performance, 'now').mockImplementation(() => (now += 50))
    const sink = newSink()
    // One piece at a time: none is on its way already when the third has been slow.
    for (let at = 0; at < BYTES; at += DIRECT_BYTES) {
      const [before, piece] = [direct.written.length, bytes.subarray(at, at + DIRECT_BYTES)]
      await sink.write(piece)
      while (direct.out > 0 && piece.length === DIRECT_BYTES) await new Promise(setImmediate)
      expect(direct.written.length - before).toBe(at >= DIRECT_FROM && before < 3 ? 1 : 0)
    }
    await sink.finish()
    expect(direct.written).toHaveLength(3)
    expect((await readFile(place)).equals(bytes)).toBe(true)
  })

  test('a full disk fails the body, and gives all memory back', async () => {
    direct.meddle = () => () =>
      Promise.reject(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }))
    const sink = newSink()
    const error = await failure(async () => {
      await writeAll(sink, bytes)
      await sink.finish()
    })
    expect(error.code).toBe('STRATA_STORE_UNAVAILABLE')
    expect(error.message).toContain('ENOSPC')
    await sink.abort()
    expect(direct.out).toBe(0)
    expect(await readdir(path)).toEqual([])
  })

  test('an abort amid a piece gives all memory back', async () => {
    const sink = newSink()
    await writeAll(sink, bytes.subarray(0, DIRECT_FROM + DIRECT_BYTES + 1_000))
    expect(direct.out).toBeGreaterThan(0)
    await sink.abort()
    expect(direct.out).toBe(0)
    expect(await readdir(path)).toEqual([])
  })

  test('the memory has a bound: what finds none goes through the page cache', async () => {
    const taken: Uint8Array[] = []
    for (let memory = direct.take(); memory !== undefined; memory = direct.take()) taken.push(memory)
    expect(taken.length * DIRECT_BYTES).toBe(32 * 1_048_576)
    await store()
    expect(direct.written).toEqual([])
    for (const memory of taken) direct.give(memory)
    await store()
    expect(direct.written).toHaveLength(PIECES)
  })
})
