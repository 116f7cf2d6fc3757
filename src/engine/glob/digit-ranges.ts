/** A digit from the first to the second. */
type DigitRange = readonly [low: number, high: number]

/**
 * The whole numbers from `low` to `high`, written without leading zeros, as sequences of digits: 8 to 120 is `[8-9]`, `[1-9][0-9]`,
 * `1[0-1][0-9]`, `120`. A glob `{1..999}` is three sequences in place of 999 texts.
 */
export function digitRanges(low: number, high: number): readonly (readonly DigitRange[])[] {
  const out: (readonly DigitRange[])[] = []
  for (let length = String(low).length; length <= String(high).length; length++) {
    const first = Math.max(low, length === 1 ? 0 : 10 ** (length - 1))
    const last = Math.min(high, 10 ** length - 1)
    out.push(...ofOneLength(digitsOf(first), digitsOf(last)))
  }
  return out
}

function ofOneLength(low: readonly number[], high: readonly number[]): (readonly DigitRange[])[] {
  const [a = 0, ...lowRest] = low
  const [b = 0, ...highRest] = high
  if (lowRest.length === 0) return [[[a, b]]]
  const any = lowRest.map((): DigitRange => [0, 9])
  const after = (digit: number, rest: (readonly DigitRange[])[]) =>
    rest.map((digits): DigitRange[] => [[digit, digit], ...digits])
  if (a === b) return after(a, ofOneLength(lowRest, highRest))
  const startsLate = lowRest.some(digit => digit !== 0)
  const endsEarly = highRest.some(digit => digit !== 9)
  const [from, to] = [startsLate ? a + 1 : a, endsEarly ? b - 1 : b]
  return [
    ...(startsLate
      ? after(
          a,
          ofOneLength(
            lowRest,
            any.map(() => 9),
          ),
        )
      : []),
    ...(from <= to ? [[[from, to] as const, ...any]] : []),
    ...(endsEarly
      ? after(
          b,
          ofOneLength(
            any.map(() => 0),
            highRest,
          ),
        )
      : []),
  ]
}

function digitsOf(value: number): number[] {
  return [...String(value)].map(Number)
}
