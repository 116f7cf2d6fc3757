import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { digitRanges } from '../../../../src/engine/glob/digit-ranges.js'

/** All numbers that the sequences stand for, each as often as it does. */
function numbersOf(sequences: ReturnType<typeof digitRanges>): string[] {
  return sequences.flatMap(digits =>
    digits.reduce<string[]>(
      (starts, [low, high]) =>
        starts.flatMap(start => Array.from({ length: high - low + 1 }, (_, i) => `${start}${low + i}`)),
      [''],
    ),
  )
}

test.each([
  [0, 0],
  [0, 10],
  [1, 9],
  [1, 999],
  [8, 120],
  [99, 101],
  [100, 100],
  [123, 987],
  [999_999_000, 999_999_999],
])('%i to %i: each of them once, and no other', (low, high) => {
  const numbers = numbersOf(digitRanges(low, high))
  expect(numbers.sort((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: high - low + 1 }, (_, i) => String(low + i)),
  )
})

test('any range (500 runs), in few sequences', () => {
  fc.assert(
    fc.property(fc.nat(999_999_999), fc.nat(999), (low, more) => {
      const sequences = digitRanges(low, low + more)
      const numbers = numbersOf(sequences)
      expect(new Set(numbers).size).toBe(numbers.length)
      expect(numbers.length).toBe(more + 1)
      expect(Math.min(...numbers.map(Number))).toBe(low)
      expect(Math.max(...numbers.map(Number))).toBe(low + more)
      expect(sequences.length).toBeLessThanOrEqual(12)
    }),
    { numRuns: 500 },
  )
})
