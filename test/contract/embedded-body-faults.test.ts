import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { BodySink, BodyStore } from '../../src/engine/ports/index.js'
import { fsBodyStore } from '../../src/stores/embedded/bodies.js'
import { placeOf } from '../../src/stores/embedded/body-folder.js'
import { DirectWrites } from '../../src/stores/embedded/direct-writes.js'
import { FileSink } from '../../src/stores/embedded/file-sink.js'
import { FreeSpace } from '../../src/stores/embedded/free-space.js'
import { failure } from '../support/failure.js'
import { readAll, sampleBytes, writeAll } from './body-store.suite.js'

const HOUR = 3_600_000

describe('bodies in the embedded store under faults', () => {
  let path: string
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'strata.faults-'))
  })
  afterEach(() => rm(path, { recursive: true }))

  let store: BodyStore
  beforeEach(() => {
    store = fsBodyStore({ path })
  })
  afterEach(() => store.close())

  test('no space left: writing, or at the latest finishing, fails as unavailable, and leaves nothing', async () => {
    // A device that is always full stands behind the temporary file.
    const temporary = join(path, 'tmp', 'full')
    await symlink('/dev/full', temporary)
    const sink = new FileSink({
      temporary,
      place: join(path, placeOf('full')),
      space: new FreeSpace(path, 0),
      direct: new DirectWrites(),
    })
    const error = await failure(async () => {
      await writeAll(sink, sampleBytes(8 * 1_048_576))
      await sink.finish()
    })
    expect(error.code).toBe('STRATA_STORE_UNAVAILABLE')
    expect(error.message).toContain('ENOSPC')
    expect((await failure(async () => sink.write(Buffer.from('x')))).code).toBe('STRATA_STORE_UNAVAILABLE')
    await sink.abort()
    expect(await readdir(join(path, 'tmp'))).toEqual([])
    expect((await failure(() => store.get('full'))).code).toBe('STRATA_BODY_MISSING')
  })

  test('closing the store removes what was not finished, also while it is being written', async () => {
    for (const id of ['idle', 'busy']) await writeAll(store.sink(id), sampleBytes(1_000_000))
    const waiting = failure(async () => store.sink('waiting').write(sampleBytes(8 * 1_048_576)))
    await store.close()
    expect((await waiting).code).toBe('STRATA_STORE_UNAVAILABLE')
    expect(await readdir(join(path, 'tmp'))).toEqual([])
  })

  test('finish after an abort does not bring the body back', async () => {
    const sink = store.sink('dropped')
    await writeAll(sink, sampleBytes(1_000))
    await sink.abort()
    expect((await failure(() => sink.finish())).code).toBe('STRATA_STORE_UNAVAILABLE')
    expect((await failure(() => store.get('dropped'))).code).toBe('STRATA_BODY_MISSING')
  })

  test('an abort stops a finish that is under way, and so does closing the store', async () => {
    for (const stop of [(sink: BodySink) => sink.abort(), () => store.close()]) {
      const sink = store.sink('stopped')
      await writeAll(sink, sampleBytes(1_000_000))
      const finishing = failure(() => sink.finish())
      await stop(sink)
      expect((await finishing).message).toContain('aborted')
      expect((await failure(() => store.get('stopped'))).code).toBe('STRATA_BODY_MISSING')
      expect(await readdir(join(path, 'tmp'))).toEqual([])
    }
  })

  test('the writer is told to wait for the disk', async () => {
    const sink = store.sink('waits')
    const chunk = sampleBytes(1_048_576)
    const waits = Array.from({ length: 8 }, () => sink.write(chunk))
    expect(waits.some(wait => wait !== undefined)).toBe(true)
    await Promise.all(waits)
    await sink.finish()
    expect(await store.get('waits')).toHaveLength(8 * 1_048_576)
  })

  test('empty chunks hold nothing back', async () => {
    const sink = store.sink('empty-chunks')
    for (let i = 0; i < 3; i++) await sink.write(Buffer.alloc(0))
    await sink.write(sampleBytes(2 * 1_048_576))
    await sink.write(Buffer.alloc(0))
    await sink.write(sampleBytes(2 * 1_048_576))
    await sink.finish()
    expect(await store.get('empty-chunks')).toHaveLength(4 * 1_048_576)
  })

  test('what still comes while the writer waits keeps it waiting no longer than it takes to write', async () => {
    const sink = store.sink('trickle')
    let isOver = false
    let written = 2 * 1_048_576
    const wait = sink.write(sampleBytes(written))!.then(() => {
      isOver = true
    })
    while (!isOver) {
      void sink.write(Buffer.from('.'))
      written++
      // No more comes than a connection may have read ahead.
      if (written % 64 === 0) await wait
      else await nextTurn()
    }
    await sink.finish()
    expect(await store.get('trickle')).toHaveLength(written)
  })

  test('a folder that vanishes under a running store is unavailable, not missing data', async () => {
    await rm(join(path, 'tmp'), { recursive: true })
    expect((await failure(() => store.ping())).code).toBe('STRATA_STORE_UNAVAILABLE')
    expect((await failure(() => store.put('a', Buffer.from('a')))).code).toBe('STRATA_STORE_UNAVAILABLE')
    const sink = store.sink('b')
    await failure(async () => {
      await sink.write(Buffer.from('b'))
      await sink.finish()
    }).then(error => expect(error.code).toBe('STRATA_STORE_UNAVAILABLE'))
    await mkdir(join(path, 'tmp'))
    await store.put('a', Buffer.from('a'))
    expect((await store.get('a')).toString()).toBe('a')
  })

  test('a directory in the place of a body is a failure of the backend', async () => {
    await mkdir(join(path, placeOf('dir')), { recursive: true })
    expect((await failure(() => store.get('dir'))).code).toBe('STRATA_STORE_UNAVAILABLE')
  })

  test('a file that becomes shorter while it is read: the stream is destroyed, not ended', async () => {
    const bytes = sampleBytes(4 * 1_048_576)
    await store.put('torn', bytes)
    const stream = await store.read('torn')
    let ended = false
    stream.on('end', () => {
      ended = true
    })
    const error = await failure(async () => {
      let first = true
      for await (const _chunk of stream) {
        if (first) await truncate(join(path, placeOf('torn')), 1_048_576)
        first = false
      }
    })
    expect(error.code).toBe('STRATA_BODY_DAMAGED')
    expect(ended).toBe(false)
  })

  test('a file that a crash has torn: a range beyond its end is damaged', async () => {
    await store.put('short', sampleBytes(10_000))
    await truncate(join(path, placeOf('short')), 4_000)
    expect((await failure(() => store.read('short', { first: 0, last: 9_999 }))).code).toBe(
      'STRATA_BODY_DAMAGED',
    )
    expect(await readAll(await store.read('short', { first: 0, last: 3_999 }))).toHaveLength(4_000)
  })

  test('a reader that is destroyed amid a read closes its file', async () => {
    await store.put('left', sampleBytes(1_048_576))
    const stream = await store.read('left')
    stream.resume()
    stream.destroy()
    await once(stream, 'close')
    expect(stream.errored).toBeNull()
  })

  test('start-up removes temporary files older than an hour, and leaves those that are being written', async () => {
    const [stale, fresh] = [join(path, 'tmp', '1-stale'), join(path, 'tmp', '2-fresh')]
    await writeFile(stale, 'x')
    await writeFile(fresh, 'x')
    const old = (Date.now() - HOUR - 60_000) / 1_000
    await utimes(stale, old, old)
    const running = store.sink('running')
    await writeAll(running, sampleBytes(100_000))
    const second = fsBodyStore({ path })
    await second.close()
    const left = await readdir(join(path, 'tmp'))
    expect(left).toContain('2-fresh')
    expect(left).not.toContain('1-stale')
    await running.finish()
    expect(await store.get('running')).toHaveLength(100_000)
  })

  test('the list passes over what is no body', async () => {
    await store.put('body', Buffer.from('x'))
    await writeFile(join(path, 'README'), 'x')
    await writeFile(join(path, placeOf('body'), '..', 'not a body'), 'x')
    await mkdir(join(path, 'zz'))
    expect((await store.list(10)).bodies.map(b => b.id)).toEqual(['body'])
  })
})
