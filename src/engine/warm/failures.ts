/** What could not be warmed, and why. */
export interface Failure {
  readonly name: string
  readonly reason: string
}

/** Failures that are kept by name; beyond that they are counted alone, and not tried again. */
export const MOST_FAILURES = 5000
const LONGEST_REASON = 160
const LONGEST_NAME = 2000

/** The failures of one job, as its paper keeps them: a line each. */
export class Failures {
  readonly #byName = new Map<string, string>()
  isChanged = false

  constructor(text = '') {
    for (const line of text.split('\n')) {
      const tab = line.indexOf('\t')
      if (tab > 0) this.#byName.set(line.slice(0, tab), line.slice(tab + 1))
    }
  }

  get size(): number {
    return this.#byName.size
  }

  names(): string[] {
    return [...this.#byName.keys()]
  }

  list(): Failure[] {
    return [...this.#byName].map(([name, reason]) => ({ name, reason }))
  }

  add(name: string, reason: string): void {
    if ((this.size >= MOST_FAILURES && !this.#byName.has(name)) || name.length > LONGEST_NAME) return
    this.#byName.set(name, reason.replaceAll(/\s+/g, ' ').slice(0, LONGEST_REASON))
    this.isChanged = true
  }

  delete(name: string): void {
    if (this.#byName.delete(name)) this.isChanged = true
  }

  text(): string {
    return [...this.#byName].map(([name, reason]) => `${name}\t${reason}\n`).join('')
  }
}
