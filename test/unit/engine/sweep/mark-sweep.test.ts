import { describe, expect, jest, test } from '@jest/globals'
import { Fence } from '../../../../src/engine/fence/fence.js'
import { sampleBody } from '../../../support/entries.js'
import { sweptStore } from '../../../support/swept-store.js'

describe('marks', () => {
  test('by key alone: looked up, nothing else is read; all variants go; the mark leaves the log', async () => {
    const { fill, purge, sweeper, metadata, names, fence } = await sweptStore()
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
    const { fill, purge, sweeper, metadata, names } = await sweptStore()
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
    const { fill, purge, sweeper, metadata, time } = await sweptStore({ retireAfterMs: 60_000 })
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

  test('a log that is half full is swept at once, and its marks go however young they are', async () => {
    const { purge, sweeper, metadata } = await sweptStore({ maxMarks: 20, retireAfterMs: 1e9 })
    for (let i = 0; i < 10; i++) await purge({ url: `/${i}` })
    sweeper.relieve()
    expect(sweeper.progress()).toBeUndefined()
    await purge({ url: '/10' })
    sweeper.relieve()
    await sweeper.run()
    expect(await metadata.markCount()).toBe(0)
  })

  test('a fold is swept as well', async () => {
    const { fill, purge, sweeper, names } = await sweptStore({ maxMarks: 16 })
    await fill('old')
    for (let i = 0; i < 17; i++) await purge({ tag: `none${i}` })
    await fill('new')
    await sweeper.run()
    expect(await names()).toEqual(['new'])
  })

  test('entries that another node stamped after what this one has seen are not taken for dead', async () => {
    const { fill, sweeper, metadata, purge, names } = await sweptStore()
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
    const { fill, purge, sweeper, metadata, fence, names } = await sweptStore()
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
    const { fill, purge, sweeper, metadata, fence, names } = await sweptStore()
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
    const { fill, purge, sweeper, metadata, names } = await sweptStore({ maxMarks: 20 })
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
    const { fill, purge, sweeper } = await sweptStore()
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
    const { fill, purge, sweeper } = await sweptStore()
    for (let i = 0; i < 7; i++) await fill(`e${i}`, { tags: ['a'] })
    const close = sweeper.expect()
    const { seq } = await purge({ tag: 'a' })
    expect(await sweeper.run()).toMatchObject({ removed: 7 })
    expect(await sweeper.count(seq, 1000)).toEqual({ matched: 7, sweeping: false })
    close()
  })

  test('soft ones are counted once, and by key without a walk', async () => {
    const { fill, purge, sweeper, metadata } = await sweptStore({ softWalkMs: 1e12 })
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
    const { fill, purge, sweeper, metadata, time } = await sweptStore()
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
