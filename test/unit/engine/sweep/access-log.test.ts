import { describe, expect, jest, test } from '@jest/globals'
import type { MetadataStore } from '../../../../src/engine/ports/index.js'
import { AccessLog } from '../../../../src/engine/sweep/access-log.js'
import { ManualTime } from '../../../support/manual-timers.js'

function setUp(options: { flushAt?: number; limit?: number } = {}) {
  const touch = jest.fn<MetadataStore['touch']>().mockResolvedValue()
  const onError = jest.fn()
  const time = new ManualTime()
  return { touch, onError, time, log: new AccessLog({ touch }, { timers: time, onError, ...options }) }
}

describe('AccessLog', () => {
  test('adds up the hits of a name and keeps its last access', async () => {
    const { log, touch } = setUp()
    log.note('k', '', 1)
    log.note('k', '', 5)
    log.note('k', 'v', 7)
    await log.flush()
    expect(touch).toHaveBeenCalledTimes(1)
    expect(touch).toHaveBeenCalledWith([
      { key: 'k', variant: '', hits: 2, at: 5 },
      { key: 'k', variant: 'v', hits: 1, at: 7 },
    ])
    await log.flush()
    expect(touch).toHaveBeenCalledTimes(1)
  })

  test('writes after a second, and holds no timer when nothing waits', async () => {
    const { log, touch, time } = setUp()
    expect(time.waiting).toBe(0)
    log.note('k', '', 1)
    log.note('l', '', 1)
    expect(time.waiting).toBe(1)
    time.advance(999)
    expect(touch).not.toHaveBeenCalled()
    time.advance(1)
    expect(touch).toHaveBeenCalledTimes(1)
    await log.flush()
    expect(time.waiting).toBe(0)
  })

  test('writes at once when enough names wait, in batches', async () => {
    const { log, touch } = setUp({ flushAt: 1500 })
    for (let i = 0; i < 1500; i++) log.note(`k${i}`, '', i)
    expect(log.size).toBe(0)
    await log.flush()
    expect(touch.mock.calls.map(([uses]) => uses.length)).toEqual([1000, 500])
  })

  test('beyond its limit new names are dropped and counted; known ones go on', () => {
    const { log } = setUp({ flushAt: 100, limit: 3 })
    for (const key of ['a', 'b', 'c', 'd', 'e', 'a']) log.note(key, '', 1)
    expect(log.size).toBe(3)
    expect(log.dropped).toBe(2)
  })

  test('a store that fails: told, counted, and the next uses are written', async () => {
    const { log, touch, onError } = setUp()
    touch.mockRejectedValueOnce(new Error('down'))
    log.note('a', '', 1)
    log.note('a', '', 2)
    await log.flush()
    expect(onError).toHaveBeenCalledTimes(1)
    expect(log.dropped).toBe(2)
    log.note('b', '', 3)
    await log.flush()
    expect(touch).toHaveBeenLastCalledWith([{ key: 'b', variant: '', hits: 1, at: 3 }])
  })

  test('what comes during a write is written after it', async () => {
    const { log, touch, time } = setUp()
    let done = () => {}
    touch.mockReturnValueOnce(new Promise(resolve => (done = resolve)))
    log.note('a', '', 1)
    const first = log.flush()
    log.note('b', '', 2)
    const second = log.flush()
    expect(touch).toHaveBeenCalledTimes(1)
    done()
    await Promise.all([first, second])
    expect(touch.mock.calls.map(([uses]) => uses.map(u => u.key))).toEqual([['a'], ['b']])
    expect(time.waiting).toBe(0)
  })
})
