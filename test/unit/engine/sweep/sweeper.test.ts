import { describe, expect, jest, test } from '@jest/globals'
import { Fence } from '../../../../src/engine/fence/fence.js'
import { newMark, type Criteria } from '../../../../src/engine/fence/mark.js'
import type { Entry } from '../../../../src/engine/ports/index.js'
import { Sweeper, type SweeperParts } from '../../../../src/engine/sweep/sweeper.js'
import { memoryBodyStore, memoryMetadataStore } from '../../../../src/stores/memory/index.js'
import { sampleBody, sampleKey, storeEntry } from '../../../support/entries.js'
import { ManualTime } from '../../../support/manual-timers.js'

async function setUp(options: Partial<SweeperParts> & { maxMarks?: number } = {}) {
  const metadata = memoryMetadataStore()
  const bodies = memoryBodyStore({ maxBytes: 1e9 })
  const time = new ManualTime()
  const { maxMarks = 1000, ...rest } = options
  const fence = new Fence(metadata, { maxMarks, onReset: () => {}, onMarks: () => {} })
  await fence.load()
  const onError = jest.fn<SweeperParts['onError']>()
  const sweeper = new Sweeper({
    metadata,
    bodies,
    fence,
    sweep: { intervalMs: 0, batch: 3, bodyGraceMs: 0 },
    limits: { maxStoreBytes: 1e9, maxStoreEntries: 1e9, maxMarks },
    clock: time,
    timers: time,
    onError,
    retireAfterMs: 0,
    softWalkMs: 0,
    ...rest,
  })
  const fill = async (name: string, overrides: Partial<Entry> = {}) => {
    const entry = await storeEntry(metadata, {
      key: sampleKey(name),
      url: `http://h/${name}`,
      tags: [],
      ...overrides,
    })
    expect(entry.result).toEqual({ ok: true })
    await bodies.put(entry.entry.body.id, Buffer.from(`${name}`))
    return entry.entry
  }
  const purge = (criteria: Criteria, soft = false) =>
    fence.invalidate([newMark(criteria, { soft, at: time.now() })])
  const names = async () => {
    const { items } = await metadata.list(10_000)
    return items.map(({ entry }) => entry.url.slice('http://h/'.length)).sort()
  }
  return { metadata, bodies, time, fence, sweeper, fill, purge, names, onError }
}

describe('marks', () => {
  test('by key alone: looked up, nothing else is read; all variants go; the mark leaves the log', async () => {
    const { fill, purge, sweeper, metadata, names, fence } = await setUp()
    for (let i = 0; i < 10; i++) await fill(`e${i}`)
    const { key } = await fill('e3', { variant: 'other', body: sampleBody('other') })
    const walks = jest.spyOn(metadata, 'list')
    await purge({ key })
    expect(await sweeper.run()).toMatchObject({ state: 'done', examined: 2, removed: 2 })
    expect(walks).not.toHaveBeenCalled()
    expect(await names()).not.toContain('e3')
    expect(await names()).toHaveLength(9)
    expect(await metadata.markCount()).toBe(0)
    expect(fence.marks()).toEqual([])
  })

  test('all others in one walk, in batches; newer entries stay', async () => {
    const { fill, purge, sweeper, metadata, names } = await setUp()
    for (let i = 0; i < 10; i++) await fill(`old${i}`, { tags: [`t${i}`] })
    await purge({ tag: 't1' })
    await purge({ pattern: '/old[4-6]' })
    await purge({ prefix: '/old9' })
    await fill('old4')
    const walks = jest.spyOn(metadata, 'list')
    expect(await sweeper.run()).toMatchObject({ state: 'done', removed: 4 })
    expect(walks).toHaveBeenCalledTimes(4)
    expect(await names()).toEqual(['old0', 'old2', 'old3', 'old4', 'old7', 'old8'])
    expect(await metadata.markCount()).toBe(0)
  })

  test('a mark stays in the log for a while, so that fills that began before it can still be committed', async () => {
    const { fill, purge, sweeper, metadata, time } = await setUp({ retireAfterMs: 60_000 })
    await fill('a', { tags: ['t'] })
    await purge({ tag: 't' })
    await sweeper.run()
    expect(await metadata.markCount()).toBe(1)
    const walks = jest.spyOn(metadata, 'list')
    time.advance(60_000)
    await sweeper.run()
    expect(walks).not.toHaveBeenCalled()
    expect(await metadata.markCount()).toBe(0)
  })

  test('a fold is swept as well', async () => {
    const { fill, purge, sweeper, names } = await setUp({ maxMarks: 16 })
    await fill('old')
    for (let i = 0; i < 17; i++) await purge({ tag: `none${i}` })
    await fill('new')
    await sweeper.run()
    expect(await names()).toEqual(['new'])
  })

  test('entries that another node stamped after what this one has seen are not taken for dead', async () => {
    const { fill, sweeper, metadata, purge, names } = await setUp()
    await fill('a', { tags: ['x'] })
    await purge({ tag: 'x' })
    const list = metadata.list.bind(metadata)
    jest.spyOn(metadata, 'list').mockImplementationOnce(async (...args) => {
      await metadata.invalidate([
        JSON.stringify({ v: 1, id: 'i', at: 0, soft: false, is: { tag: 'nothing' } }),
      ])
      await fill('b', { tags: ['x'] })
      return list(...args)
    })
    await sweeper.run()
    expect(await names()).toEqual(['b'])
  })
})

describe('soft marks', () => {
  test('remove nothing and stay while they concern an entry; then they go', async () => {
    const { fill, purge, sweeper, metadata, fence, names } = await setUp()
    const entry = await fill('a', { tags: ['t'] })
    await purge({ tag: 't' }, true)
    await sweeper.run()
    expect(await names()).toEqual(['a'])
    expect(fence.verdict(entry)).toBe('soft')
    await fill('a', { tags: ['t'] })
    await sweeper.run()
    expect(await metadata.markCount()).toBe(0)
  })

  test('do not hold up hard ones: moved to the end of the log, about exactly what they were about', async () => {
    const { fill, purge, sweeper, metadata, fence, names } = await setUp()
    const before = await fill('before', { tags: ['t'] })
    await purge({ tag: 't' }, true)
    const after = await fill('after', { tags: ['t'] })
    for (let i = 0; i < 5; i++) {
      await fill(`hard${i}`)
      await purge({ url: `/hard${i}` })
    }
    await sweeper.run()
    expect(await metadata.markCount()).toBe(1)
    expect(fence.verdict(before)).toBe('soft')
    expect(fence.verdict(after)).toBe('live')
    expect(await names()).toEqual(['after', 'before'])
    // Nothing to gain by moving it again.
    const { seq } = fence.state()
    await sweeper.run()
    await sweeper.run()
    expect(fence.state().seq).toBe(seq)
    expect(fence.verdict(before)).toBe('soft')
    // A node that starts now sees the same.
    const other = new Fence(metadata, { maxMarks: 100, onReset: () => {}, onMarks: () => {} })
    await other.load()
    expect([other.verdict(before), other.verdict(after)]).toEqual(['soft', 'live'])
  })

  test('when they fill the log the oldest are resolved as hard ones; nothing else is lost', async () => {
    const { fill, purge, sweeper, metadata, names } = await setUp({ maxMarks: 20 })
    await fill('untouched')
    for (let i = 0; i < 15; i++) {
      await fill(`s${i}`)
      await purge({ url: `/s${i}` }, true)
    }
    await sweeper.run()
    expect(await names()).toEqual(['s10', 's11', 's12', 's13', 's14', 'untouched'])
    expect(await metadata.markCount()).toBeLessThanOrEqual(10)
  })
})

describe('count', () => {
  test('each entry counts for the invalidation that killed it', async () => {
    const { fill, purge, sweeper } = await setUp()
    for (let i = 0; i < 7; i++) await fill(`e${i}`, { tags: i < 4 ? ['a', 'b'] : ['b'] })
    const close = sweeper.expect()
    const first = await purge({ tag: 'a' })
    const second = await purge({ tag: 'b' })
    const counts = await Promise.all([sweeper.count(first.seq, 1000), sweeper.count(second.seq, 1000)])
    close()
    expect(counts).toEqual([
      { matched: 4, sweeping: false },
      { matched: 3, sweeping: false },
    ])
  })

  test('is exact even when a sweep was faster than the one who asks', async () => {
    const { fill, purge, sweeper } = await setUp()
    for (let i = 0; i < 7; i++) await fill(`e${i}`, { tags: ['a'] })
    const close = sweeper.expect()
    const { seq } = await purge({ tag: 'a' })
    expect(await sweeper.run()).toMatchObject({ removed: 7 })
    expect(await sweeper.count(seq, 1000)).toEqual({ matched: 7, sweeping: false })
    close()
  })

  test('soft ones are counted once, and by key without a walk', async () => {
    const { fill, purge, sweeper, metadata } = await setUp({ softWalkMs: 1e12 })
    await sweeper.run()
    const { key } = await fill('a', { tags: ['t'] })
    await fill('b', { tags: ['t'] })
    const byTag = await purge({ tag: 't' }, true)
    expect(await sweeper.count(byTag.seq, 1000)).toEqual({ matched: 2, sweeping: false })
    const walks = jest.spyOn(metadata, 'list')
    const byKey = await purge({ key }, true)
    expect(await sweeper.count(byKey.seq, 1000)).toEqual({ matched: 1, sweeping: false })
    expect(walks).not.toHaveBeenCalled()
  })

  test('waits no longer than told, and says that it is not all', async () => {
    const { fill, purge, sweeper, metadata, time } = await setUp()
    await fill('a', { tags: ['t'] })
    const { seq } = await purge({ tag: 't' })
    let go = () => {}
    const list = metadata.list.bind(metadata)
    jest.spyOn(metadata, 'list').mockImplementationOnce(async (...args) => {
      await new Promise<void>(resolve => (go = resolve))
      return list(...args)
    })
    const counting = sweeper.count(seq, 2000)
    time.advance(2000)
    expect(await counting).toEqual({ matched: 0, sweeping: true })
    await new Promise(resolve => setImmediate(resolve))
    go()
    await sweeper.run()
  })
})

describe('the other steps', () => {
  test('useless entries go, in batches', async () => {
    const { fill, sweeper, names, time } = await setUp()
    for (let i = 0; i < 10; i++) await fill(`e${i}`, { uselessAt: time.now() + (i < 8 ? 5 : 50) })
    time.advance(10)
    expect(await sweeper.run()).toMatchObject({ removed: 8 })
    expect(await names()).toEqual(['e8', 'e9'])
  })

  test('over the limit of bytes: least recently used first, down to 80 %', async () => {
    const limits = { maxStoreBytes: 1000, maxStoreEntries: 1e9, maxMarks: 100 }
    const { fill, sweeper, names, metadata, time } = await setUp({ limits })
    for (let i = 0; i < 11; i++) {
      await fill(`e${String(i).padStart(2, '0')}`, {
        body: sampleBody(`b${i}`, 100),
        responseTime: time.now() + i,
      })
    }
    await metadata.touch([{ key: sampleKey('e00'), variant: '', hits: 1, at: time.now() + 1000 }])
    expect(await sweeper.run()).toMatchObject({ state: 'done', removed: 3, bytes: 300 })
    expect(await names()).toEqual(['e00', 'e04', 'e05', 'e06', 'e07', 'e08', 'e09', 'e10'])
    expect(await sweeper.run()).toMatchObject({ removed: 0 })
  })

  test('shared bodies: goes on until enough bytes are free', async () => {
    const limits = { maxStoreBytes: 1000, maxStoreEntries: 1e9, maxMarks: 100 }
    const { fill, sweeper, metadata, time } = await setUp({ limits })
    for (let i = 0; i < 6; i++)
      await fill(`s${i}`, { body: sampleBody('same', 600), responseTime: time.now() + i })
    await fill('z', { body: sampleBody('z', 600), responseTime: time.now() + 100 })
    await sweeper.run()
    expect(await metadata.usage()).toMatchObject({ entries: 1, bodyBytes: 600 })
  })

  test('over the limit of entries', async () => {
    const { fill, sweeper, names } = await setUp({
      limits: { maxStoreBytes: 1e9, maxStoreEntries: 10, maxMarks: 100 },
    })
    for (let i = 0; i < 11; i++) await fill(`e${i}`)
    await sweeper.run()
    expect(await names()).toHaveLength(8)
  })

  test('orphan bodies are deleted and forgotten', async () => {
    const { fill, purge, sweeper, bodies, metadata } = await setUp()
    const gone = await fill('gone')
    const kept = await fill('kept')
    await purge({ key: gone.key })
    expect(await sweeper.run()).toMatchObject({ bodies: 1 })
    await expect(bodies.get(gone.body.id)).rejects.toMatchObject({ code: 'STRATA_BODY_MISSING' })
    expect((await bodies.get(kept.body.id)).toString()).toBe('kept')
    expect(await metadata.unknownBodies([gone.body.id, kept.body.id])).toEqual([gone.body.id])
  })

  test('bodies that could not be deleted are tried again', async () => {
    const { fill, purge, sweeper, bodies, metadata, onError } = await setUp()
    const { key, body } = await fill('gone')
    await purge({ key })
    jest.spyOn(bodies, 'remove').mockRejectedValueOnce(new Error('down'))
    expect(await sweeper.run()).toMatchObject({ state: 'failed', step: 'orphans', error: 'down' })
    expect(onError).toHaveBeenCalledTimes(1)
    expect(await metadata.unknownBodies([body.id])).toEqual([])
  })
})

describe('running', () => {
  test('one pass at a time; callers during a pass share the next one', async () => {
    const { sweeper, metadata } = await setUp()
    const passes = jest.spyOn(metadata, 'usage')
    const first = sweeper.run()
    const others = [sweeper.run(), sweeper.run(), sweeper.run()]
    expect(new Set(others).size).toBe(1)
    await Promise.all([first, ...others])
    expect(passes).toHaveBeenCalledTimes(2)
  })

  test('every interval, and by poke', async () => {
    const { sweeper, metadata, time } = await setUp({
      sweep: { intervalMs: 5000, batch: 10, bodyGraceMs: 0 },
    })
    const passes = jest.spyOn(metadata, 'usage')
    sweeper.start()
    time.advance(4999)
    expect(sweeper.progress()).toBeUndefined()
    time.advance(1)
    expect(sweeper.progress()).toMatchObject({ state: 'running' })
    // The one that was asked for now follows the one that runs.
    sweeper.poke()
    await sweeper.run()
    expect(passes).toHaveBeenCalledTimes(2)
    await sweeper.stop()
    expect(time.waiting).toBe(0)
  })

  test('a failed pass is told, and the next one does the work', async () => {
    const { fill, purge, sweeper, metadata, names, onError } = await setUp()
    await fill('a', { tags: ['t'] })
    await purge({ tag: 't' })
    jest.spyOn(metadata, 'remove').mockRejectedValueOnce(new Error('down'))
    expect(await sweeper.run()).toMatchObject({ state: 'failed', step: 'marks', error: 'down' })
    expect(onError).toHaveBeenCalledTimes(1)
    expect(await metadata.markCount()).toBe(1)
    expect(await sweeper.run()).toMatchObject({ state: 'done', removed: 1 })
    expect(await names()).toEqual([])
  })

  test('cancel stops between batches; marks stay until all is removed', async () => {
    const { fill, purge, sweeper, metadata, names } = await setUp()
    for (let i = 0; i < 10; i++) await fill(`e${i}`)
    await purge({ all: true })
    const list = metadata.list.bind(metadata)
    jest.spyOn(metadata, 'list').mockImplementationOnce((...args) => {
      sweeper.cancel()
      return list(...args)
    })
    expect(await sweeper.run()).toMatchObject({ state: 'cancelled', removed: 3 })
    expect(await metadata.markCount()).toBe(1)
    await sweeper.run()
    expect(await names()).toEqual([])
  })

  test('stop ends what runs and what was asked for', async () => {
    const { sweeper } = await setUp()
    const runs = [sweeper.run(), sweeper.run()]
    await sweeper.stop()
    expect(await Promise.all(runs)).toMatchObject([{ state: 'cancelled' }, { state: 'cancelled' }])
  })
})
