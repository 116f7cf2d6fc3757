import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compareRounds, median, percentile, summarise } from '../../../bench/report/stats.mjs'

const rates = fc.array(fc.double({ min: 0.001, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 30 })

function round(rate: number, cpu?: number) {
  return { rate, cpu, p50: undefined, p99: undefined, busy: undefined }
}

describe('median and percentile', () => {
  it('takes the middle, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([7])).toBe(7)
  })

  it('does not sort what it is given', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })

  it('sorts by number, not by text', () => {
    expect(median([10, 9, 100])).toBe(10)
  })

  it('interpolates between ranks', () => {
    expect(percentile([0, 10], 25)).toBe(2.5)
    expect(percentile([1, 2, 3, 4, 5], 100)).toBe(5)
    expect(percentile([1, 2, 3, 4, 5], 0)).toBe(1)
  })

  it('says that there are no values', () => {
    expect(() => median([])).toThrow(RangeError)
  })

  it('lies within the values, and grows with the percentile', () => {
    fc.assert(
      fc.property(
        rates,
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 100 }),
        (values, a, b) => {
          const [low, high] = [percentile(values, Math.min(a, b)), percentile(values, Math.max(a, b))]
          expect(low).toBeGreaterThanOrEqual(Math.min(...values))
          expect(high).toBeLessThanOrEqual(Math.max(...values))
          expect(low).toBeLessThanOrEqual(high * (1 + Number.EPSILON * 8))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is that of the values in any order', () => {
    fc.assert(
      fc.property(rates, values => {
        expect(median([...values].reverse())).toBe(median(values))
      }),
      { numRuns: 200 },
    )
  })
})

describe('compareRounds', () => {
  it('compares rounds in pairs: what slows both sides down at once does not show', () => {
    const subject = [round(90), round(9), round(45)]
    const baseline = [round(100), round(10), round(50)]
    expect(compareRounds(subject, baseline)).toMatchObject({ ratio: 0.9, spread: [0.9, 0.9] })
  })

  it('takes the median of the ratios, and says the lowest and the highest', () => {
    const result = compareRounds([round(1), round(2), round(30)], [round(10), round(10), round(10)])
    expect(result.ratio).toBe(0.2)
    expect(result.spread).toEqual([0.1, 3])
  })

  it('turns CPU time round: above 1, the subject takes less', () => {
    const result = compareRounds([round(1, 20), round(1, 10)], [round(1, 40), round(1, 20)])
    expect(result.cpuRatio).toBe(2)
    expect(result.cpuSpread).toEqual([2, 2])
  })

  it('gives no CPU ratio when a round lacks it', () => {
    expect(compareRounds([round(1, 20), round(1)], [round(1, 40), round(1, 20)]).cpuRatio).toBeUndefined()
    expect(compareRounds([round(1, 0)], [round(1, 40)]).cpuRatio).toBeUndefined()
  })

  it('refuses sides with different numbers of rounds', () => {
    expect(() => compareRounds([round(1)], [])).toThrow(RangeError)
  })

  it('is the reciprocal with the sides changed', () => {
    const pairs = fc.array(fc.tuple(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e6 })), {
      minLength: 1,
      maxLength: 15,
    })
    fc.assert(
      fc.property(pairs, list => {
        // Of an odd number the median is one of the values; only then does turning it round commute.
        const odd = list.length % 2 === 0 ? list.slice(1) : list
        const [a, b] = [odd.map(([x]) => round(x)), odd.map(([, y]) => round(y))]
        expect(compareRounds(a, b).ratio * compareRounds(b, a).ratio).toBeCloseTo(1, 9)
      }),
      { numRuns: 200 },
    )
  })
})

describe('summarise', () => {
  it('takes each median by itself, and leaves out what a round lacks', () => {
    const rounds = [
      { rate: 1, cpu: 9, p50: 5, p99: undefined, busy: 1 },
      { rate: 3, cpu: 7, p50: 6, p99: 8, busy: 0.5 },
      { rate: 2, cpu: 8, p50: 7, p99: 9, busy: 0.7 },
    ]
    expect(summarise(rounds)).toEqual({ rate: 2, cpu: 8, p50: 6, p99: undefined, busy: 0.7 })
  })
})
