/** What a run has seen, by name. */
export class Tally {
  readonly #counts = new Map<string, number>()
  readonly #times: number[] = []

  count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  /** A request's time, ms. */
  took(ms: number): void {
    this.#times.push(ms)
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** All whose name begins so. */
  total(prefix: string): number {
    let sum = 0
    for (const [name, count] of this.#counts) if (name.startsWith(prefix)) sum += count
    return sum
  }

  /** ms */
  percentile(part: number): number {
    const sorted = this.#times.sort((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  }

  toString(): string {
    return [...this.#counts]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  }
}
