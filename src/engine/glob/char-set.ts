/** Characters (UTF-16 code units) as ranges with both ends, ascending and apart from each other. */
export type CharSet = readonly (readonly [low: number, high: number])[]

const LAST = 0xffff

export const ANY: CharSet = [[0, LAST]]

/** The characters of these ranges, which may overlap and stand in any order. */
export function charSet(ranges: CharSet): CharSet {
  const out: [number, number][] = []
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1)
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high)
    else out.push([low, high])
  }
  return out
}

/** All characters but these. */
export function others(set: CharSet): CharSet {
  const out: [number, number][] = []
  let next = 0
  for (const [low, high] of set) {
    if (low > next) out.push([next, low - 1])
    next = high + 1
  }
  if (next <= LAST) out.push([next, LAST])
  return out
}

export function holds(set: CharSet, code: number): boolean {
  return set.some(([low, high]) => code >= low && code <= high)
}

/** Characters that none of the sets tells apart are of one class: a matcher has to know of a character its class alone. */
export class CharClasses {
  /** The first character of each run of one class. */
  readonly #starts: readonly number[]
  readonly #ascii: Uint16Array

  constructor(sets: readonly CharSet[]) {
    const ends = sets.flatMap(set => set.flatMap(([low, high]) => [low, high + 1]))
    this.#starts = [...new Set([0, ...ends])].filter(start => start <= LAST).sort((a, b) => a - b)
    this.#ascii = Uint16Array.from({ length: 128 }, (_, code) => this.#find(code))
  }

  get count(): number {
    return this.#starts.length
  }

  /** Of a character; those between two others have classes between theirs. */
  of(code: number): number {
    return code < 128 ? this.#ascii[code]! : this.#find(code)
  }

  #find(code: number): number {
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle]! <= code) low = middle
      else high = middle - 1
    }
    return low
  }
}
