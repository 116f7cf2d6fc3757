import type { Entry, EntryUse } from '../ports/index.js'

export interface Hot {
  readonly entry: Entry
  readonly use: EntryUse | undefined
}

/** Of all that is added the most used ones, at most `limit`; never more than twice as many are held. */
export class Hottest {
  #items: Hot[] = []

  constructor(private readonly limit: number) {}

  add(hot: Hot): void {
    this.#items.push(hot)
    if (this.#items.length >= 2 * this.limit) this.#items = this.take()
  }

  /** The hottest first: by hits, then by last access. */
  take(): Hot[] {
    return [...this.#items].sort(byHeat).slice(0, this.limit)
  }
}

function byHeat(a: Hot, b: Hot): number {
  return (b.use?.hits ?? 0) - (a.use?.hits ?? 0) || (b.use?.lastAccess ?? 0) - (a.use?.lastAccess ?? 0)
}
