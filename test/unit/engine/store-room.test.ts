import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, jest, test } from '@jest/globals'
import { StoreRoom } from '../../../src/engine/store-room.js'
import type { Usage } from '../../../src/engine/ports/index.js'
import { ManualTime } from '../../support/manual-timers.js'

/** A store of which is told how much it holds, with room for 100 entries and 1,000 bytes. */
function room(first: Partial<Usage>) {
  const time = new ManualTime()
  let usage = first
  const ask = jest.fn(async (): Promise<Usage> => ({
    entries: 0,
    bodies: 0,
    bodyBytes: 0,
    entryBytes: 0,
    ...usage,
  }))
  const onOver = jest.fn()
  const warn = jest.fn()
  const limits = { maxStoreEntries: 100, maxStoreBytes: 1000 }
  const parts = { metadata: { usage: ask }, limits, clock: time, onOver, events: { warn } }
  const subject = new StoreRoom(parts)
  /** What is told after the store has been asked anew. */
  const later = async (ms: number, next: Partial<Usage> = usage) => {
    usage = next
    time.advance(ms)
    void subject.isFull
    await nextTurn()
    return subject.isFull
  }
  return { subject, later, time, ask, onOver, warn }
}

describe('room in the store', () => {
  test.each([
    [{ entries: 100, bodyBytes: 1000 }, false, 0],
    [{ entries: 110 }, false, 1],
    [{ entries: 111 }, true, 1],
    [{ bodyBytes: 1001 }, false, 1],
    [{ bodyBytes: 1101 }, true, 1],
    [{ entries: 1, isCramped: true }, true, 1],
  ])('with %j: full %p, sweeps asked for %i', async (usage, isFull, sweeps) => {
    const { later, onOver } = room(usage)
    expect(await later(0)).toBe(isFull)
    expect(onOver).toHaveBeenCalledTimes(sweeps)
  })

  test('the store is asked once in a second, however many ask', async () => {
    const { subject, later, ask } = room({})
    for (let i = 0; i < 100; i++) void subject.isFull
    await later(999)
    expect(ask).toHaveBeenCalledTimes(1)
    await later(1)
    for (let i = 0; i < 100; i++) void subject.isFull
    expect(ask).toHaveBeenCalledTimes(2)
  })

  test('over: a sweep every five seconds; full: one at once, and it is told', async () => {
    const { later, onOver, warn } = room({ entries: 105 })
    for (let i = 0; i < 6; i++) await later(1000)
    expect(onOver).toHaveBeenCalledTimes(2)
    expect(warn).not.toHaveBeenCalled()
    expect(await later(1000, { entries: 200 })).toBe(true)
    await later(1000)
    expect(onOver).toHaveBeenCalledTimes(3)
    expect(warn.mock.calls).toEqual([
      [
        'store-full',
        { entries: 200, maxStoreEntries: 100, bodyBytes: 0, maxStoreBytes: 1000, isCramped: false },
      ],
    ])
    expect(await later(1000, { entries: 80 })).toBe(false)
  })

  test('a full disk: a sweep every 45 seconds', async () => {
    const { later, onOver, warn } = room({ entries: 1, isCramped: true })
    for (let i = 0; i < 90; i++) expect(await later(1000)).toBe(true)
    expect(onOver).toHaveBeenCalledTimes(2)
    expect(warn).toHaveBeenCalledTimes(1)
    expect(await later(1000, { entries: 1 })).toBe(false)
  })

  test('what has been removed makes room at once, also while an older look is under way', async () => {
    const { subject, later, ask } = room({ entries: 200 })
    expect(await later(0)).toBe(true)
    let answer = (_: Usage) => {}
    ask.mockReturnValueOnce(new Promise(resolve => (answer = resolve)))
    expect(await later(1000, { entries: 80 })).toBe(true)
    await subject.look()
    expect(subject.isFull).toBe(false)
    answer({ entries: 200, bodies: 0, bodyBytes: 0, entryBytes: 0 })
    await nextTurn()
    expect(subject.isFull).toBe(false)
  })

  test('the look after a sweep asks for no other, for nobody may wait for room; and there is none where there was room', async () => {
    const { subject, later, time, ask, onOver, warn } = room({ entries: 1 })
    await subject.look()
    expect(ask).not.toHaveBeenCalled()
    await later(0, { entries: 1, isCramped: true })
    expect(onOver).toHaveBeenCalledTimes(1)
    time.advance(45_000)
    await subject.look()
    expect(ask).toHaveBeenCalledTimes(2)
    expect(onOver).toHaveBeenCalledTimes(1)
    expect(warn).toHaveBeenCalledTimes(1)
  })

  test('while the store does not answer, what it said last holds', async () => {
    const { later, ask } = room({ entries: 200 })
    expect(await later(0)).toBe(true)
    ask.mockRejectedValueOnce(new Error('down'))
    expect(await later(1000)).toBe(true)
    expect(await later(1000, {})).toBe(false)
  })
})
