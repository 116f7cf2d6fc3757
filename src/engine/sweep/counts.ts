import type { Entry, EntryUse } from '../ports/index.js'

/** Takes the entries that an invalidation hit, as they are found; `end` when there are no more, or no more are known. */
export interface Collector {
  add(hit: { readonly entry: Entry; readonly use: EntryUse | undefined }): void
  end(): void
}

/** Somebody waits to hear how many entries one invalidation hit. */
export class Watch {
  /** `matched` is final. */
  done = false
  readonly ended: Promise<void>
  #end!: () => void
  #isOver = false

  constructor(
    /** Of the invalidation. */
    readonly seq: number,
    /** Entries hit so far. */
    public matched: number,
    readonly collector?: Collector,
  ) {
    this.ended = new Promise(resolve => {
      this.#end = resolve
    })
  }

  hit(entry: Entry, use: EntryUse | undefined): void {
    this.matched++
    this.collector?.add({ entry, use })
  }

  finish(): void {
    this.done = true
    this.giveUp()
  }

  /** The pass failed: whoever waits is told what is known, and that it is not all. */
  giveUp(): void {
    if (!this.#isOver) this.collector?.end()
    this.#isOver = true
    this.#end()
  }
}

/**
 * Who wants to know what sweeps remove for which invalidation. Counting starts before the invalidation has its seq
 * (`expect`), so that a pass that is faster than its author loses nothing.
 */
export class Counts {
  readonly watches = new Map<number, Watch>()
  #expecting = 0
  #killed = new Map<number, number>()

  /** Whether anybody wants to know. */
  get wanted(): boolean {
    return this.#expecting > 0 || this.watches.size > 0
  }

  /** @returns what ends it */
  expect(): () => void {
    this.#expecting++
    let open = true
    return () => {
      if (open && --this.#expecting === 0) this.#killed.clear()
      open = false
    }
  }

  /** An entry was found dead, killed by this invalidation (0: by no mark). */
  killed(seq: number, entry: Entry, use: EntryUse | undefined): void {
    const watch = this.watches.get(seq)
    if (watch !== undefined) watch.hit(entry, use)
    else if (this.#expecting > 0) this.#killed.set(seq, (this.#killed.get(seq) ?? 0) + 1)
  }

  watch(seq: number, collector?: Collector): Watch {
    const watch = new Watch(seq, this.#killed.get(seq) ?? 0, collector)
    this.watches.set(seq, watch)
    return watch
  }
}
