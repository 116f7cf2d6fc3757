import { LRUCache } from 'lru-cache'

/** Keys whose requests are counted; the one that was asked for longest ago is forgotten first. */
const MOST_KEYS = 100_000

/**
 * How often the keys that are not stored have been asked for of late: what hardly anybody asks for twice need not be stored at all
 * (`limits.minUses`). Counted for this process alone.
 */
export class RecentUses {
  readonly #counts: LRUCache<string, number> | undefined

  /** @param least requests for a key, from which on its answers are stored; 1: at once */
  constructor(private readonly least: number) {
    if (least > 1) this.#counts = new LRUCache({ max: MOST_KEYS })
  }

  note(text: string): void {
    this.#counts?.set(text, (this.#counts.get(text) ?? 0) + 1)
  }

  /** It is to be stored, though nobody has asked. */
  enough(text: string): void {
    this.#counts?.set(text, this.least)
  }

  suffice(text: string): boolean {
    return this.#counts === undefined || (this.#counts.get(text) ?? 0) >= this.least
  }
}
