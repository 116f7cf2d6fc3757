import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, jest, test } from '@jest/globals'
import type { MetadataStore } from '../../../../src/engine/ports/index.js'
import type { ManualTime } from '../../../support/manual-timers.js'
import { sampleBody, sampleKey } from '../../../support/entries.js'
import { sweptStore } from '../../../support/swept-store.js'

describe('the other steps', () => {
  test('useless entries go, in batches', async () => {
    const { fill, sweeper, names, time } = await sweptStore()
    for (let i = 0; i < 10; i++) await fill(`e${i}`, { uselessAt: time.now() + (i < 8 ? 5 : 50) })
    time.advance(10)
    expect(await sweeper.run()).toMatchObject({ removed: 8 })
    expect(await names()).toEqual(['e8', 'e9'])
  })

  test('over the limit of bytes: least recently used first, down to 80 %', async () => {
    const limits = { maxStoreBytes: 1000, maxStoreEntries: 1e9, maxMarks: 100 }
    const { fill, sweeper, names, metadata, time } = await sweptStore({ limits })
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
    const { fill, sweeper, metadata, time } = await sweptStore({ limits })
    for (let i = 0; i < 6; i++)
      await fill(`s${i}`, { body: sampleBody('same', 600), responseTime: time.now() + i })
    await fill('z', { body: sampleBody('z', 600), responseTime: time.now() + 100 })
    await sweeper.run()
    expect(await metadata.usage()).toMatchObject({ entries: 1, bodyBytes: 600 })
  })

  test('over the limit of entries', async () => {
    const { fill, sweeper, names } = await sweptStore({
      limits: { maxStoreBytes: 1e9, maxStoreEntries: 10, maxMarks: 100 },
    })
    for (let i = 0; i < 11; i++) await fill(`e${i}`)
    await sweeper.run()
    expect(await names()).toHaveLength(8)
  })

  test('a store that takes nothing more is emptied before the walk for marks, without pauses until it is within its limits', async () => {
    const { fill, purge, sweeper, metadata, time } = await sweptStore({
      sweep: { intervalMs: 0, batch: 3, bodyGraceMs: 0, pace: 0.01 },
      limits: { maxStoreBytes: 1e9, maxStoreEntries: 20, maxMarks: 1000 },
    })
    for (let i = 0; i < 23; i++) await fill(`e${i}`, { tags: ['t'] })
    await purge({ tag: 't' })
    const removed = spyOnSlow(metadata, 'remove', time)
    const walked = spyOnSlow(metadata, 'list', time)
    const run = sweeper.run()
    let pauses = 0
    while (walked.mock.calls.length === 0) {
      await nextTurn()
      if (time.waiting === 0) continue
      pauses++
      time.advance(1000)
    }
    // 23 to 20, 20 to 17, 17 to 16.
    const before = walked.mock.invocationCallOrder[0]!
    expect(removed.mock.invocationCallOrder.filter(order => order < before)).toHaveLength(3)
    expect(pauses).toBe(2)
    await sweeper.stop()
    await run
  })

  test('a disk without room: what is dead goes, then a twentieth of the rest, and no more in this sweep', async () => {
    const { fill, purge, sweeper, metadata, names, time } = await sweptStore()
    const usage = metadata.usage.bind(metadata)
    jest.spyOn(metadata, 'usage').mockImplementation(async () => ({ ...(await usage()), isCramped: true }))
    for (let i = 0; i < 100; i++)
      await fill(`e${i}`, { responseTime: time.now() + i, tags: i >= 60 ? ['t'] : [] })
    await purge({ tag: 't' })
    await sweeper.run()
    expect(await names()).toEqual(Array.from({ length: 57 }, (_, i) => `e${i + 3}`).sort())
  })

  test('who waits for room is told once there may be some', async () => {
    const limits = { maxStoreBytes: 1e9, maxStoreEntries: 10, maxMarks: 100 }
    const heldAtLook: number[] = []
    const room = { look: async () => void heldAtLook.push((await names()).length) }
    const { fill, sweeper, names } = await sweptStore({ limits, room })
    for (let i = 0; i < 11; i++) await fill(`e${i}`)
    await sweeper.run()
    expect(heldAtLook).toEqual([8])
  })

  test('orphan bodies are deleted and forgotten', async () => {
    const { fill, purge, sweeper, bodies, metadata } = await sweptStore()
    const gone = await fill('gone')
    const kept = await fill('kept')
    await purge({ key: gone.key })
    expect(await sweeper.run()).toMatchObject({ bodies: 1 })
    await expect(bodies.get(gone.body.id)).rejects.toMatchObject({ code: 'STRATA_BODY_MISSING' })
    expect((await bodies.get(kept.body.id)).toString()).toBe('kept')
    expect(await metadata.unknownBodies([gone.body.id, kept.body.id])).toEqual([gone.body.id])
  })

  test('bodies that could not be deleted are tried again', async () => {
    const { fill, purge, sweeper, bodies, metadata, onError } = await sweptStore()
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
    const { sweeper, metadata } = await sweptStore()
    const passes = jest.spyOn(metadata, 'useless')
    const first = sweeper.run()
    const others = [sweeper.run(), sweeper.run(), sweeper.run()]
    expect(new Set(others).size).toBe(1)
    await Promise.all([first, ...others])
    expect(passes).toHaveBeenCalledTimes(2)
  })

  test('every interval, and by poke', async () => {
    const { sweeper, metadata, time } = await sweptStore({
      sweep: { intervalMs: 5000, batch: 10, bodyGraceMs: 0 },
    })
    const passes = jest.spyOn(metadata, 'useless')
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
    const { fill, purge, sweeper, metadata, names, onError } = await sweptStore()
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
    const { fill, purge, sweeper, metadata, names } = await sweptStore()
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
    const { sweeper } = await sweptStore()
    const runs = [sweeper.run(), sweeper.run()]
    await sweeper.stop()
    expect(await Promise.all(runs)).toMatchObject([{ state: 'cancelled' }, { state: 'cancelled' }])
  })
})

describe('the wait for a count', () => {
  /** A purge of all whose sweep can only take as many steps as are let through; the count has been waited for 250 of 2,000 ms. */
  async function counted(entries: number, steps: number) {
    const { metadata, time, sweeper, fill, purge } = await sweptStore()
    for (let i = 0; i < entries; i++) await fill(`e${i}`)
    const { seq } = await purge({ all: true })
    const list = metadata.list.bind(metadata)
    let left = steps
    let go!: () => void
    const held = new Promise<void>(resolve => (go = resolve))
    metadata.list = async (limit, cursor) => {
      if (left-- <= 0) await held
      return list(limit, cursor)
    }
    let answer: { matched: number; sweeping: boolean } | undefined
    const counting = sweeper.count(seq, 2000, () => void sweeper.run()).then(found => (answer = found))
    const turns = async () => {
      for (let i = 0; i < 50; i++) await new Promise(resolve => setImmediate(resolve))
    }
    await turns()
    time.advance(250)
    await turns()
    const early = answer
    go()
    await counting
    return { early, answer }
  }

  test('a large store: what is counted by an eighth of the time cannot be all, so it is told at once', async () => {
    // Two steps of three.
    expect((await counted(60, 2)).early).toEqual({ matched: 6, sweeping: true })
  })

  test('it could be done in time: it is waited for', async () => {
    const { early, answer } = await counted(60, 3)
    expect(early).toBeUndefined()
    expect(answer).toEqual({ matched: 60, sweeping: false })
  })

  test('nothing is known yet: it is waited for', async () => {
    const { early, answer } = await counted(0, 0)
    expect(early ?? answer).toEqual({ matched: 0, sweeping: false })
    expect((await counted(3, 1)).answer).toEqual({ matched: 3, sweeping: false })
  })
})

/** Each call takes five milliseconds. */
function spyOnSlow(metadata: MetadataStore, method: 'remove' | 'list', time: ManualTime) {
  const call = metadata[method].bind(metadata) as (...args: unknown[]) => Promise<never>
  return jest.spyOn(metadata, method).mockImplementation((...args: unknown[]) => {
    time.advance(5)
    return call(...args)
  })
}
