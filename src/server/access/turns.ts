import { Refused } from './refused.js'

/** Those who may wait for their turn under one name. */
const MAX_WAITING = 1000

/** Work under one name is done one after another; of different names side by side. */
export class Turns {
  readonly #last = new Map<string, { readonly done: Promise<unknown>; waiting: number }>()

  /** @throws what `work` throws; Refused STRATA_RATE_LIMITED when too many wait already */
  async take<T>(name: string, work: (name: string) => Promise<T>): Promise<T> {
    const before = this.#last.get(name)
    const waiting = (before?.waiting ?? 0) + 1
    if (waiting > MAX_WAITING) {
      throw new Refused('STRATA_RATE_LIMITED', 'too many requests at once from this address', {
        'Retry-After': '1',
      })
    }
    const mine = before === undefined ? work(name) : before.done.then(() => work(name))
    const turn = { done: mine.catch(() => undefined), waiting }
    this.#last.set(name, turn)
    try {
      return await mine
    } finally {
      const last = this.#last.get(name)!
      last.waiting--
      if (last === turn) this.#last.delete(name)
    }
  }
}
