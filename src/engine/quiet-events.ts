import type { Clock } from './clock.js'
import type { Events } from './parts.js'

/** One of a kind is told each so often, ms; the others are counted. */
const PAUSE_MS = 1000

/** Events without floods: while a store is down every request has the same to say. What is left out is counted in the next line. */
export class QuietEvents implements Events {
  readonly #last = new Map<string, { at: number; omitted: number }>()

  constructor(
    private readonly tell: Events['warn'],
    private readonly clock: Pick<Clock, 'monotonic'>,
  ) {}

  /** `what` names a kind: a fixed, small set. */
  readonly warn = (what: string, details: Record<string, unknown>): void => {
    const now = this.clock.monotonic()
    const last = this.#last.get(what)
    if (last !== undefined && now - last.at < PAUSE_MS) {
      last.omitted++
      return
    }
    this.#last.set(what, { at: now, omitted: 0 })
    this.tell(
      what,
      last === undefined || last.omitted === 0 ? details : { ...details, omitted: last.omitted },
    )
  }
}
