import type { RootDatabase } from 'lmdb'
import type { StrataError } from '../../errors.js'
import { commitFailure } from './commit-failure.js'
import type { OpenGate } from './open-gate.js'

interface Waiting {
  readonly step: () => unknown
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

/**
 * A transaction costs ten times what a step in it does, most of it for the disk: between the beginnings of two there are so many ms,
 * unless a step has somebody who waits for it.
 */
const LINGER_MS = 10
/** Steps run on the main thread: the rest waits for the next transaction, so that requests are answered in between. */
const TURN_MS = 4
/** … or, where the thread is busy and transactions are seldom, for this part of the time since the last one, up to so many ms. */
const SHARE = 1 / 4
const MOST_MS = 12

/** Write steps of one process, many to a transaction. */
export class GroupCommit {
  #waiting: Waiting[] = []
  /** So many of those that wait, the first ones, have somebody who waits for them. */
  #urgent = 0
  #isClosing = false
  #running: Promise<void> | undefined
  #begunAt = -Infinity
  #tookAt = 0
  /** Ends the wait before a transaction. */
  #hurry: (() => void) | undefined
  #broken: StrataError | undefined

  constructor(
    private readonly root: RootDatabase<Buffer, string>,
    private readonly gate: OpenGate,
    /** Runs steps in the tables' own bracket. */
    private readonly bracket: (work: () => void) => void,
  ) {}

  /**
   * Resolves once the step is committed. A step that throws has changed nothing. It may be run twice, and depends on nothing but the
   * tables. `mayWait`: for others to share its transaction; it lets those pass that may not, so that what takes room (fills) can't hold up
   * what gives it back (evictions), however much there is of it.
   */
  write<R>(step: () => R, mayWait = false): Promise<R> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken)
    return new Promise((resolve, reject) => {
      const each = { step, resolve, reject }
      if (mayWait) this.#waiting.push(each)
      else {
        this.#waiting.splice(this.#urgent++, 0, each)
        this.#hurry?.()
      }
      this.#running ??= this.#run()
    })
  }

  /** Why nothing can be written any more. */
  get broken(): StrataError | undefined {
    return this.#broken
  }

  /** Resolves once all steps that have come are over. */
  async settled(): Promise<void> {
    this.#isClosing = true
    this.#hurry?.()
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const wait = this.#begunAt + LINGER_MS - performance.now()
      if (wait > 0 && this.#urgent === 0 && !this.#isClosing) await this.#linger(wait)
      this.#begunAt = performance.now()
      await this.#together()
    }
    this.#running = undefined
  }

  async #linger(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      this.#hurry = resolve
      timer = setTimeout(resolve, ms)
    })
    clearTimeout(timer)
    this.#hurry = undefined
  }

  async #together(): Promise<void> {
    const taken: Waiting[] = []
    const results: unknown[] = []
    try {
      // A child transaction, so that steps of which one fails amid its writes leave nothing.
      await this.gate.write(() =>
        this.root.childTransaction(() => this.bracket(() => this.#take(taken, results))),
      )
    } catch (error) {
      this.#broken = await commitFailure(error)
      if (this.#broken !== undefined) return this.#giveUp(taken, this.#broken)
      // The transaction itself could not be had: so could those of the steps alone.
      if (taken.length === 0) taken.push(...this.#takeAll())
      if (taken.length === 1) return taken[0]!.reject(error)
      for (const each of taken) {
        if (this.#broken !== undefined) return this.#giveUp(taken, this.#broken)
        await this.#alone(each)
      }
      return
    }
    taken.forEach(({ resolve }, i) => resolve(results[i] as never))
  }

  #take(taken: Waiting[], results: unknown[]): void {
    const now = performance.now()
    const until = now + Math.min(Math.max(TURN_MS, (now - this.#tookAt) * SHARE), MOST_MS)
    this.#tookAt = now
    const waiting = this.#waiting
    try {
      do {
        const next = waiting[taken.length]!
        taken.push(next)
        results.push(next.step())
      } while (taken.length < waiting.length && performance.now() < until)
    } finally {
      this.#waiting = waiting.slice(taken.length)
      this.#urgent = Math.max(0, this.#urgent - taken.length)
    }
  }

  #takeAll(): Waiting[] {
    this.#urgent = 0
    return this.#waiting.splice(0)
  }

  #giveUp(taken: readonly Waiting[], error: StrataError): void {
    for (const each of taken) each.reject(error)
    for (const each of this.#takeAll()) each.reject(error)
  }

  async #alone({ step, resolve, reject }: Waiting): Promise<void> {
    let result: unknown
    try {
      await this.gate.write(() => this.root.childTransaction(() => this.bracket(() => (result = step()))))
    } catch (error) {
      this.#broken = await commitFailure(error)
      return reject(this.#broken ?? error)
    }
    resolve(result as never)
  }
}
