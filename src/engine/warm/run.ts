import { setImmediate as nextTurn } from 'node:timers/promises'
import { messageOf } from '../../errors.js'
import type { Clock } from '../clock.js'
import type { Timers } from '../timers.js'
import type { Standing, Warmed, Watched } from './fetch.js'
import type { Failures } from './failures.js'
import { Patience } from './patience.js'
import { Pace, type PaceLimits } from './pace.js'
import type { WarmItem, WarmSource } from './source.js'
import type { WarmTally } from './tally.js'

export interface WarmRunParts {
  readonly clock: Clock
  readonly timers: Timers
  readonly standing: (item: WarmItem) => Promise<Standing>
  readonly warm: (item: WarmItem, found: Standing, watched: Watched) => Promise<Warmed>
  /** Writes tally and failures down: another node would go on from there. */
  readonly save: () => Promise<void>
}

export interface WarmRunLimits extends PaceLimits {
  readonly retries: number
  /** Items that may be under way or over beyond what is written down: after a crash, so many are done twice at most. */
  readonly batch: number
  /** After so many ms of nothing but failures there is no point in going on. */
  readonly giveUpMs: number
}

interface Slot {
  readonly item: WarmItem
  result?: Warmed | { readonly result: 'outside' }
}

const SAVE_EVERY_MS = 2000
const SAVE_AGAIN_MS = 1000
const RETRY_PAUSE_MS = 1000
const ITEMS_A_TURN = 64
/** So many times as many as are asked for at once may be under way in all: the origin need not wait for the store. */
const STORING = 8

/**
 * Warms the items of a source, in order, several at once: what fails is tried again when all others are done. Results are counted in the
 * order of the items, so that tally and place always go together. Nothing is held of items but of those under way.
 */
export class WarmRun {
  readonly #pace: Pace
  readonly #patience: Patience
  /** In order: those under way, and those over behind one that is under way. */
  #slots: Slot[] = []
  #active = 0
  /** Are with the origin. */
  #asking = 0
  /** Wait for their turn, with all else done: the origin need not wait for a lookup. */
  readonly #queue: (() => void)[] = []
  #saved = 0
  #savedAt: number
  #saving: Promise<void> | undefined
  #stopped = false
  #wake: (() => void) | undefined
  readonly #told = {
    failed: () => this.#pace.failed(),
    answered: (ms: number, bytes: number) => this.#pace.answered(ms, bytes),
  }
  #rateFrom: { at: number; done: number }

  constructor(
    private readonly parts: WarmRunParts,
    private readonly source: WarmSource,
    private readonly limits: WarmRunLimits,
    private readonly tally: WarmTally,
    private readonly failures: Failures,
  ) {
    this.#pace = new Pace(limits, parts.clock)
    this.#patience = new Patience(parts.clock, ms => this.#sleep(ms))
    this.#saved = tally.done
    this.#savedAt = parts.clock.monotonic()
    this.#rateFrom = { at: this.#savedAt, done: tally.done }
  }

  /** Resolves when all is over, or once it is stopped: what is under way then counts for nothing. @throws when the origin fails for too long */
  async run(): Promise<void> {
    await this.#walk(this.source.from(this.tally.done, this.tally.after), slot => this.#count(slot))
    for (let round = 0; round < this.limits.retries && this.failures.size > 0 && !this.#stopped; round++) {
      await this.#sleep(RETRY_PAUSE_MS * 2 ** round)
      await this.#walk(this.#failed(), slot => this.#recount(slot))
    }
    await this.#saving
    if (!this.#stopped) await this.#save()
  }

  stop(): void {
    this.#stopped = true
    this.#admit()
    this.#wake?.()
  }

  async #walk(items: Iterator<WarmItem>, settle: (slot: Slot) => void): Promise<void> {
    let isAtEnd = false
    for (let begun = 1; !this.#stopped; begun++) {
      if (begun % ITEMS_A_TURN === 0) await nextTurn()
      this.#settle(settle)
      this.#giveUp(this.#pace.failingMs, 'the origin has failed')
      this.#giveUp(this.#patience.silentMs, 'the store has not answered')
      if (!isAtEnd && this.#mayBegin()) {
        const next = items.next()
        if (next.done === true) isAtEnd = true
        else this.#begin(next.value)
      } else if (isAtEnd && this.#slots.length === 0) return
      else await this.#change()
    }
  }

  /** @throws when nothing has gone well for too long */
  #giveUp(ms: number, what: string): void {
    if (ms <= this.limits.giveUpMs) return
    this.stop()
    throw new Error(`${what} for ${Math.round(this.limits.giveUpMs / 1000)} s: go on when it is well`)
  }

  #mayBegin(): boolean {
    const { concurrency, batch } = this.limits
    const ahead = this.tally.done + this.#slots.length - this.#saved
    const mayHaveMore = this.#active < concurrency * STORING && this.#queue.length < concurrency
    return mayHaveMore && ahead < batch
  }

  #begin(item: WarmItem): void {
    const slot: Slot = { item }
    this.#slots.push(slot)
    this.#active++
    void this.#one(item).then(result => {
      slot.result = result
      this.#active--
      this.#wake?.()
    })
  }

  async #one(item: WarmItem): Promise<NonNullable<Slot['result']>> {
    if (item.url === undefined) return { result: 'outside' }
    try {
      const found = await this.#patience.answer(
        () => this.parts.standing(item),
        () => this.#stopped,
      )
      if (found === 'warm') return { result: 'hits' }
      return await this.#ask(item, found)
    } catch (error) {
      return { result: 'failed', reason: messageOf(error), bytes: 0 }
    }
  }

  /** Resolves when it may be asked of the origin; it counts as asked from then on. */
  #turn(): Promise<void> {
    return new Promise(resolve => {
      this.#queue.push(resolve)
      this.#admit()
    })
  }

  #admit(): void {
    while (this.#queue.length > 0 && (this.#stopped || this.#asking < this.#pace.width)) {
      this.#asking++
      this.#queue.shift()!()
    }
  }

  async #ask(item: WarmItem, found: Standing): Promise<Warmed> {
    await this.#turn()
    let isWithOrigin = true
    const over = () => {
      if (!isWithOrigin) return
      isWithOrigin = false
      this.#asking--
      this.#admit()
      this.#wake?.()
    }
    try {
      const wait = this.#pace.take()
      if (wait >= 1) await this.#sleep(wait)
      if (this.#stopped) return { result: 'failed', reason: 'stopped', bytes: 0 }
      const { failed, answered } = this.#told
      return await this.parts.warm(item, found, { failed, answered, over })
    } finally {
      over()
    }
  }

  /** Counts what is over, up to the first that is not. */
  #settle(settle: (slot: Slot) => void): void {
    if (this.#stopped) return
    let over = 0
    while (over < this.#slots.length && this.#slots[over]!.result !== undefined) settle(this.#slots[over++]!)
    if (over > 0) this.#slots.splice(0, over)
    const now = this.parts.clock.monotonic()
    this.#measure(now)
    const isDue =
      this.tally.done - this.#saved >= this.limits.batch / 4 || now - this.#savedAt >= SAVE_EVERY_MS
    if (isDue && this.tally.done > this.#saved) this.#saveSoon()
  }

  #count({ item, result }: Slot): void {
    const { tally, failures } = this
    tally.done++
    tally.after = item.name
    tally[result!.result]++
    if ('bytes' in result!) tally.bytes += result.bytes
    if (result!.result === 'failed') failures.add(item.name, result!.reason)
  }

  /** Of the second try, or a later one. */
  #recount({ item, result }: Slot): void {
    const { tally, failures } = this
    tally.retried++
    if ('bytes' in result!) tally.bytes += result.bytes
    if (result!.result === 'failed') return failures.add(item.name, result!.reason)
    failures.delete(item.name)
    tally.failed--
    tally[result!.result]++
  }

  *#failed(): Generator<WarmItem, void, void> {
    for (const name of this.failures.names()) {
      const item = this.source.named(name)
      if (item !== undefined) yield item
    }
  }

  #measure(now: number): void {
    const { at, done } = this.#rateFrom
    if (now - at < 1000) return
    const rate = ((this.tally.done - done) / (now - at)) * 1000
    this.tally.rate = this.tally.rate === 0 ? rate : 0.7 * this.tally.rate + 0.3 * rate
    this.#rateFrom = { at: now, done: this.tally.done }
  }

  #saveSoon(): void {
    if (this.#saving !== undefined) return
    this.#saving = this.#save()
      // Then no more than a batch is begun; it is tried again.
      .catch(() => this.#sleep(SAVE_AGAIN_MS))
      .finally(() => {
        this.#saving = undefined
        this.#wake?.()
      })
  }

  async #save(): Promise<void> {
    const { done } = this.tally
    this.#savedAt = this.parts.clock.monotonic()
    await this.parts.save()
    this.#saved = done
  }

  /** Until something has happened, or a second is over. */
  #change(): Promise<void> {
    return this.#until(1000, wake => {
      this.#wake = wake
    })
  }

  async #sleep(ms: number): Promise<void> {
    const until = this.parts.clock.monotonic() + ms
    for (let left = ms; left > 0 && !this.#stopped; left = until - this.parts.clock.monotonic())
      await this.#until(Math.min(left, 250), () => {})
  }

  #until(ms: number, hand: (wake: () => void) => void): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.parts.timers.after(Math.ceil(ms), resolve)
      hand(() => {
        cancel()
        resolve()
      })
    })
  }
}
