import type { SelectingField } from '../../http/stored-response.js'
import { isDigested } from '../../http/vary.js'
import type { Clock } from '../clock.js'
import type { ClientRequest } from '../exchange.js'
import { identify } from '../identity.js'
import type { Journey } from '../journey.js'
import type { Origin } from '../origin.js'
import type { Events } from '../parts.js'
import type { Entry } from '../ports/index.js'
import type { Rules } from '../rules.js'
import type { RefreshSettings } from '../settings.js'
import type { Timers } from '../timers.js'
import { Hottest } from './hottest.js'
import { OriginBudget } from './origin-budget.js'
import { silentExchange } from './silent-exchange.js'

export interface RefresherParts {
  readonly journey: Pick<Journey, 'run'>
  readonly origin: Origin
  readonly rules: Rules
  /** The request that a client would send for this entry, as the server would hand it in; undefined when that is not known. */
  readonly requestFor: (entry: Entry) => ClientRequest | undefined
  readonly clock: Clock
  readonly timers: Timers
  readonly events: Events
}

interface Waiting {
  readonly entry: Entry
  readonly tries: number
}

const TRIES = 5

/** Request fields that belong to one client: nothing is asked for in its name. */
const PERSONAL = new Set(['cookie', 'authorization'])

/**
 * Refresh after purge: what an invalidation hit is fetched again, the hottest first, under a rate that the origin can bear. It goes the
 * way of a client's request, so all that holds for those holds here: one flight for a key, the fence, and no request at all for what a
 * client has fetched in the meantime.
 */
export class Refresher {
  readonly #budget: OriginBudget
  #queue: Waiting[] = []
  /** Keys that are being fetched: two variants of one at once would wait for each other's flight, or be taken for it. */
  readonly #active = new Set<string>()
  #nextAt = -Infinity
  #cancelTimer: (() => void) | undefined
  #stopped = false

  constructor(
    private readonly parts: RefresherParts,
    private readonly settings: RefreshSettings,
  ) {
    this.#budget = new OriginBudget(settings.rate)
  }

  get waiting(): number {
    return this.#queue.length
  }

  /** Takes the entries of one invalidation, then fetches the hottest of them again. */
  collector(): { add(hot: Parameters<Hottest['add']>[0]): void; end(): void } {
    const hottest = new Hottest(this.settings.maxEntries)
    return {
      add: hot => hottest.add(hot),
      end: () => this.refresh(hottest.take().map(({ entry }) => entry)),
    }
  }

  /** Beyond `maxEntries` that wait, the least hot of the earlier ones are left to clients. */
  refresh(entries: readonly Entry[]): void {
    if (this.#stopped || entries.length === 0) return
    this.#budget.forgive()
    const fresh = entries.map(entry => ({ entry, tries: 0 }))
    this.#queue = [...fresh, ...this.#queue].slice(0, this.settings.maxEntries)
    this.#pump()
  }

  stop(): void {
    this.#stopped = true
    this.#queue = []
    this.#cancelTimer?.()
  }

  #pump(): void {
    const { clock, timers, events } = this.parts
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#budget.isHopeless && this.#queue.length > 0) {
      events.warn('refresh-given-up', { left: this.#queue.length })
      this.#queue = []
    }
    while (!this.#stopped && this.#queue.length > 0 && this.#active.size < this.settings.concurrency) {
      const now = clock.monotonic()
      if (now < this.#nextAt) {
        this.#cancelTimer = timers.after(Math.ceil(this.#nextAt - now), () => this.#pump())
        return
      }
      const at = this.#queue.findIndex(({ entry }) => !this.#active.has(entry.key))
      if (at === -1) return
      const waiting = this.#queue.splice(at, 1)[0]!
      const request = this.#requestFor(waiting.entry)
      if (request === undefined) continue
      this.#nextAt = now + this.#budget.gapMs
      this.#fetch(request, waiting)
    }
  }

  #fetch(request: ClientRequest, { entry, tries }: Waiting): void {
    const { journey, origin, clock } = this.parts
    this.#active.add(entry.key)
    const { exchange, over } = silentExchange(
      request,
      origin,
      {
        onHead: (status, ms) => {
          if (status >= 500 || status === 429) this.#failed()
          else this.#budget.answered(ms)
        },
        onFailure: () => this.#failed(),
      },
      clock,
    )
    void over.then(({ asked }) => {
      this.#active.delete(entry.key)
      // Another variant's flight had not quite come to its end, or too much is refreshed for clients just now: later.
      const isStillStale = exchange.outcome.result === 'STALE' && !asked
      if (isStillStale && tries < TRIES && !this.#stopped) this.#queue.push({ entry, tries: tries + 1 })
      this.#pump()
    })
    journey.run(exchange)
  }

  #failed(): void {
    this.#budget.failed()
    this.#nextAt = Math.max(this.#nextAt, this.parts.clock.monotonic() + this.#budget.gapMs)
  }

  /** Only a request that leads to this very key would refresh the entry. */
  #requestFor(entry: Entry): ClientRequest | undefined {
    if (entry.method !== 'GET' || entry.range !== undefined) return undefined
    const isOwn = (field: SelectingField) =>
      isDigested(field) || (field.value !== null && PERSONAL.has(field.name))
    if (entry.selecting.some(isOwn)) return undefined
    const request = this.parts.requestFor(entry)
    if (request === undefined) return undefined
    return identify(request, this.parts.rules.match(request.path)).key === entry.key ? request : undefined
  }
}
