import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ArcCache } from '../../../src/engine/arc-cache.js'
import { Ghosts } from '../../../src/engine/ghosts.js'

interface Held {
  readonly name: string
}

const cacheOf = (maxBytes: number, maxEntries = 1000) => new ArcCache<Held>({ maxBytes, maxEntries })

/** A request as the memory tier has it: what is not there is put there. */
function ask(cache: ArcCache<Held>, name: string, size = 10): boolean {
  if (cache.get(name) !== undefined) return true
  cache.set(name, { name }, size)
  return false
}

describe('a cache that evicts by ARC', () => {
  test('keeps its bounds, and what it gives back is what was put there last, whatever is done with it', () => {
    const key = fc.integer({ min: 0, max: 12 }).map(String)
    const step = fc.oneof(
      { weight: 60, arbitrary: fc.tuple(fc.constant('ask' as const), key, fc.integer({ min: 1, max: 60 })) },
      { weight: 30, arbitrary: fc.tuple(fc.constant('set' as const), key, fc.integer({ min: 1, max: 130 })) },
      { weight: 10, arbitrary: fc.tuple(fc.constant('delete' as const), key, fc.constant(0)) },
      { weight: 2, arbitrary: fc.tuple(fc.constant('clear' as const), key, fc.constant(0)) },
    )
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 150 }),
        fc.integer({ min: 50, max: 120 }),
        fc.integer({ min: 1, max: 6 }),
        (steps, maxBytes, maxEntries) => {
          const cache = cacheOf(maxBytes, maxEntries)
          const put = new Map<string, { value: Held; size: number }>()
          for (const [what, name, size] of steps) {
            if (what === 'delete') {
              cache.delete(name)
              put.delete(name)
            } else if (what === 'clear') {
              cache.clear()
              put.clear()
            } else if (what === 'set' || cache.get(name) === undefined) {
              const value = { name }
              cache.set(name, value, size)
              put.set(name, { value, size })
              // What has just come is there, unless it is larger than all.
              expect(cache.peek(name)).toBe(size > maxBytes ? undefined : value)
            }
            const held = [...put].filter(([one]) => cache.peek(one) !== undefined)
            for (const [one, { value }] of held) expect(cache.peek(one)).toBe(value)
            expect(cache.size).toBe(held.length)
            expect(cache.bytes).toBe(held.reduce((sum, [, one]) => sum + one.size, 0))
            expect(cache.bytes).toBeLessThanOrEqual(maxBytes)
            expect(cache.size).toBeLessThanOrEqual(maxEntries)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  test('a crawler that asks for everything once pushes nothing out that was asked for again', () => {
    const cache = cacheOf(1000)
    const popular = Array.from({ length: 60 }, (_, i) => `popular-${i}`)
    for (let round = 0; round < 2; round++) for (const name of popular) ask(cache, name)
    for (let i = 0; i < 10_000; i++) ask(cache, `crawled-${i}`)
    expect(popular.filter(name => cache.peek(name) === undefined)).toEqual([])
  })

  test('what comes back soon after it had to go gets the room that it needs', () => {
    const cache = cacheOf(1000)
    // Half of the room is taken by what nobody asks for any more.
    for (let round = 0; round < 2; round++) for (let i = 0; i < 50; i++) ask(cache, `old-${i}`)
    let hits = 0
    // People who look at a place, come back to it once, and go on: each place is needed for a while, and by few.
    for (let place = 0; place < 100; place++) {
      for (const time of [0, 1])
        for (let tile = 0; tile < 80; tile++) if (ask(cache, `${place}/${tile}`) && time === 1) hits++
    }
    expect(hits).toBeGreaterThan(100 * 80 * 0.9)
  })

  test('where all are asked for but once, the oldest goes first', () => {
    const cache = cacheOf(30)
    for (const name of ['a', 'b', 'c', 'd']) ask(cache, name)
    expect(['a', 'b', 'c', 'd'].map(name => cache.peek(name) !== undefined)).toEqual([
      false,
      true,
      true,
      true,
    ])
  })
})

test('ghosts: oldest first out, each key once, also after many have gone', () => {
  const ghosts = new Ghosts()
  for (let i = 0; i < 1000; i++) {
    ghosts.add(`k${i}`, 2)
    if (ghosts.size > 5) ghosts.dropOldest()
  }
  expect([ghosts.size, ghosts.bytes]).toEqual([5, 10])
  expect([ghosts.delete('k994'), ghosts.delete('k995'), ghosts.delete('k995')]).toEqual([false, true, false])
  ghosts.add('k996', 7)
  expect([ghosts.size, ghosts.bytes]).toEqual([4, 13])
  for (let i = 0; i < 3; i++) ghosts.dropOldest()
  expect([ghosts.delete('k996'), ghosts.size, ghosts.bytes]).toEqual([true, 0, 0])
  ghosts.dropOldest()
  ghosts.add('again', 1)
  ghosts.clear()
  expect([ghosts.delete('again'), ghosts.bytes]).toEqual([false, 0])
})
