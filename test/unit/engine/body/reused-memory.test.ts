import { describe, expect, test } from '@jest/globals'
import { ReusedMemory } from '../../../../src/engine/body/reused-memory.js'

describe('memory that is used again', () => {
  test('only once it has been given back', () => {
    const memory = new ReusedMemory()
    const [a, b] = [memory.take(10), memory.take(10)]
    expect(b.buffer).not.toBe(a.buffer)
    memory.give(a)
    const c = memory.take(10)
    expect(c.buffer).toBe(a.buffer)
    expect(memory.take(10).buffer).not.toBe(c.buffer)
  })

  test('given back twice, it is there once', () => {
    const memory = new ReusedMemory()
    const a = memory.take(10)
    memory.give(a)
    memory.give(a)
    expect(memory.take(10).buffer).toBe(a.buffer)
    expect(memory.take(10).buffer).not.toBe(a.buffer)
  })

  test('a part of a piece gives back all of it; a shorter piece may lie in it, a longer one not', () => {
    const memory = new ReusedMemory()
    const a = memory.take(10)
    memory.give(a.subarray(3, 5))
    const short = memory.take(4)
    expect(short.buffer).toBe(a.buffer)
    expect(short).toHaveLength(4)
    memory.give(short)
    const long = memory.take(11)
    expect(long).toHaveLength(11)
    expect(long.buffer).not.toBe(a.buffer)
  })

  test('what is from elsewhere is left alone', () => {
    const memory = new ReusedMemory()
    const stored = Buffer.allocUnsafeSlow(10)
    memory.give(stored)
    expect(memory.take(10).buffer).not.toBe(stored.buffer)
  })
})
