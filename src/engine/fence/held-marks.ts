import type { TileBook } from '../ports/index.js'
import type { Subject } from './mark.js'
import { MarkIndex, type HeldMark } from './mark-index.js'

/** The marks that this node holds, in the log's order, and what they make of an entry. */
export class HeldMarks {
  #log: HeldMark[] = []
  #index: MarkIndex
  #weight = 0

  constructor(private readonly tiles: TileBook | undefined) {
    this.#index = new MarkIndex(tiles)
  }

  list(): readonly HeldMark[] {
    return this.#log
  }

  /** What they count for at the limit. */
  get weight(): number {
    return this.#weight
  }

  /** What the marks with a bound above `from` make of the entry. */
  verdict(entry: Subject, from: number): ReturnType<MarkIndex['verdict']> {
    return this.#index.verdict(entry, from)
  }

  /** Newer ones than all that are held. */
  add(news: readonly HeldMark[]): void {
    this.#log.push(...news)
    this.#enter(news)
  }

  clear(): void {
    this.#keep([])
  }

  /** @returns whether there were any to drop */
  dropUpTo(seq: number): boolean {
    if (this.#log.length === 0 || this.#log[0]!.seq > seq) return false
    this.#keep(this.#log.filter(held => held.seq > seq))
    return true
  }

  /** Seq of the last of the oldest marks that weigh so much together; there is one at least. */
  oldest(weight: number): number {
    let sum = 0
    const last = this.#log.find(held => (sum += held.weight) >= weight) ?? this.#log.at(-1)!
    return last.seq
  }

  #keep(log: HeldMark[]): void {
    this.#log = log
    this.#index = new MarkIndex(this.tiles)
    this.#weight = 0
    this.#enter(log)
  }

  #enter(marks: readonly HeldMark[]): void {
    for (const held of marks) {
      this.#index.add(held)
      this.#weight += held.weight
    }
  }
}
