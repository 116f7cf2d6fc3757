import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { SlotMap, Slots } from '../../../src/engine/slots.js'

describe('slots', () => {
  it('hold what was put and not taken', () => {
    const slots = new Slots<string>()
    const [a, b] = [slots.put('a'), slots.put('b')]
    slots.take(a)
    expect(slots.at(a)).toBeUndefined()
    expect(slots.at(b)).toBe('b')
    expect(slots.values()).toEqual(['b'])
  })

  it('are given again: there are never more than were in use at once', () => {
    const slots = new Slots<number>()
    let most = -1
    for (let i = 0; i < 1000; i++) {
      const slot = slots.put(i)
      most = Math.max(most, slot)
      slots.take(slot)
    }
    expect(most).toBe(0)
  })
})

describe('a slot map', () => {
  it('is a map', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key, value: fc.integer() }),
      fc.record({ kind: fc.constant('delete' as const), key }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const map = new SlotMap<number>()
        const model = new Map<string, number>()
        for (const each of steps) {
          if (each.kind === 'set') {
            map.set(each.key, each.value)
            model.set(each.key, each.value)
          } else {
            map.delete(each.key)
            model.delete(each.key)
          }
          expect(map.size).toBe(model.size)
          // Nothing is held that nobody can ask for any more.
          expect(map.values().sort()).toEqual([...model.values()].sort())
          for (const name of ['a', 'b', 'c', 'd']) {
            expect(map.has(name)).toBe(model.has(name))
            expect(map.get(name)).toBe(model.get(name))
          }
        }
      }),
    )
  })
})
