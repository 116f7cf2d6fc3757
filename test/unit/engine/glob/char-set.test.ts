import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { CharClasses, charSet, holds, others, type CharSet } from '../../../../src/engine/glob/char-set.js'

const code = fc.oneof(fc.nat(140), fc.nat(0xffff), fc.constantFrom(0, 0xffff, 127, 128))
const ranges = fc.array(
  fc.tuple(code, code).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
  { maxLength: 6 },
)
const within = (all: CharSet, one: number) => all.some(([low, high]) => one >= low && one <= high)

test('a set holds what its ranges hold, its ranges are apart, and the others are all that it does not', () => {
  fc.assert(
    fc.property(ranges, fc.array(code, { minLength: 10, maxLength: 20 }), (given, codes) => {
      const set = charSet(given)
      for (const one of codes) {
        expect(holds(set, one)).toBe(within(given, one))
        expect(holds(others(set), one)).toBe(!within(given, one))
      }
      for (const [i, [low]] of set.entries()) if (i > 0) expect(low).toBeGreaterThan(set[i - 1]![1] + 1)
    }),
    { numRuns: 300 },
  )
})

test('characters of one class are in the same sets, and the classes stand as their characters do', () => {
  fc.assert(
    fc.property(
      fc.array(ranges.map(charSet), { maxLength: 5 }),
      fc.array(code, { minLength: 6, maxLength: 10 }),
      (sets, codes) => {
        const classes = new CharClasses(sets)
        const wrong = codes.flatMap(one =>
          codes.filter(other =>
            classes.of(one) === classes.of(other)
              ? sets.some(set => holds(set, one) !== holds(set, other))
              : classes.of(one) < classes.of(other) !== one < other,
          ),
        )
        expect(wrong).toEqual([])
      },
    ),
    { numRuns: 300 },
  )
})
