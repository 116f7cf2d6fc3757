import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { POLICIES } from '../../../bench/studies/policies.mjs'
import { mapTrace, scanTrace, zipfTrace } from '../../../bench/studies/traces.mjs'

const objects = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 300 })

describe.each(Object.entries(POLICIES))('%s', (_, open) => {
  it('hits whatever came before when all has room', () => {
    fc.assert(
      fc.property(objects, list => {
        const request = open(100_000)
        const seen = new Set<number>()
        for (const object of list) {
          expect(request(object, 100)).toBe(seen.has(object))
          seen.add(object)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('never holds more than its capacity', () => {
    // After n requests for things of 100 bytes, at most 10 of the next 30, each asked for once, can be hits.
    fc.assert(
      fc.property(objects, list => {
        const request = open(1000)
        for (const object of list) request(object, 100)
        let hits = 0
        for (let object = 0; object <= 30; object++) if (request(object, 100)) hits++
        expect(hits).toBeLessThanOrEqual(10)
      }),
      { numRuns: 200 },
    )
  })

  it('keeps what is asked for all the time while others come and go', () => {
    const request = open(1000)
    request(-1, 100)
    let hits = 0
    for (let i = 0; i < 500; i++) {
      request(i, 100)
      if (request(-1, 100)) hits++
    }
    expect(hits).toBeGreaterThan(490)
  })
})

describe.each([zipfTrace, scanTrace, mapTrace])('%p', make => {
  it('is the same for the same seed, and another for another', () => {
    const [a, b, c] = [make(5000, 7), make(5000, 7), make(5000, 8)]
    expect(a.objects).toHaveLength(5000)
    expect(b.objects).toEqual(a.objects)
    expect(c.objects).not.toEqual(a.objects)
    expect(a.sizeOf(3)).toBe(b.sizeOf(3))
  })
})

it('scans bring objects that come once only', () => {
  const { objects } = scanTrace(400_000, 1)
  const scanned = [...objects].filter(object => object >= 1_000_000)
  expect(scanned.length).toBeGreaterThan(20_000)
  expect(new Set(scanned).size).toBe(scanned.length)
})
