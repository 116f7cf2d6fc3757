import type { FenceState, MarksPage, MetadataStore, TileBook } from '../ports/index.js'
import { HeldMarks } from './held-marks.js'
import { holdMark, type HeldMark } from './mark-index.js'
import { concerns, mightConcern, type Expected, type Mark, type Subject } from './mark.js'

export interface FenceOptions {
  /** Marks that may be live at once. One more, and the oldest half is folded: all that is stamped before them is dead. */
  readonly maxMarks: number
  /** The memory tier must drop all it holds: a new epoch, marks that were retired unseen, or a fold. */
  readonly onReset: () => void
  /** Marks that this node has just learnt of, in the log's order. What they concern in memory may be freed at once. */
  readonly onMarks: (marks: readonly HeldMark[]) => void
  /** This node has raised the fence: the store has acknowledged it. */
  readonly onRaised?: (state: FenceState) => void
  /** The map layers: what marks about tiles are read by. */
  readonly tiles?: TileBook
}

export type Verdict = 'live' | 'soft' | 'dead'

const PAGE = 1000
const UNKNOWN: FenceState = { epoch: '', seq: 0 }

/**
 * This node's mirror of the store's log of marks, and the one place that says whether an entry may still be used (P1). `Fence` is the
 * mirror that writes to the log as well.
 */
export class LogMirror {
  #state = UNKNOWN
  #floor = 0
  readonly #held: HeldMarks
  /** Marks up to this seq were dropped: what was last checked below it can be checked no more. */
  #horizon = 0
  #generation = 0
  #reading: Promise<void> | undefined

  constructor(
    protected readonly store: MetadataStore,
    protected readonly options: FenceOptions,
  ) {
    this.#held = new HeldMarks(options.tiles)
  }

  /** The newest fence that this node has seen all marks of; epoch '' before the first. */
  state(): FenceState {
    return this.#state
  }

  /** Entries stamped below are dead. */
  get floor(): number {
    return this.#floor
  }

  /** The marks that are held, in the log's order. */
  marks(): readonly HeldMark[] {
    return this.#held.list()
  }

  /** What the marks that are held count for at the limit. */
  get weight(): number {
    return this.#held.weight
  }

  /** Whether a mark is about an entry, by its criteria alone. */
  concerns(mark: Mark, entry: Subject): boolean {
    return concerns(mark, entry, this.options.tiles)
  }

  /** Reads the log. @throws StrataError STRATA_STORE_UNAVAILABLE */
  load(): Promise<void> {
    return this.refresh()
  }

  /** Reads what is new in the log, begun after this call. @throws StrataError STRATA_STORE_UNAVAILABLE */
  async refresh(): Promise<void> {
    // One that is under way may have read before the caller's reason arose.
    if (this.#reading !== undefined) await this.#reading
    await this.#read()
  }

  /**
   * Brings the mirror up to `state`, as some answer of the store carried it. Undefined when it is there already (the hot path).
   * @throws StrataError STRATA_STORE_UNAVAILABLE (by rejection)
   */
  observe(state: FenceState): undefined | Promise<void> {
    return this.#covers(state) ? undefined : this.#catchUp(state)
  }

  /**
   * @param since the mirror's seq when this very entry was last found `live` (for entries kept in memory); without it, the entry
   *   has just been read from the store by `lookup`.
   */
  verdict(entry: Subject, since?: number): Verdict {
    const { epoch, seq } = entry.stamp
    if (epoch !== this.#state.epoch || seq < this.#floor || seq > this.#state.seq) return 'dead'
    if (since === undefined) return this.#held.verdict(entry, seq)
    if (since < this.#horizon) return 'dead'
    return this.#held.verdict(entry, since > seq ? since : seq)
  }

  /**
   * Whether an invalidation may stand between a flight that began at `stamp` and a request of now for the same key: then the
   * request must not join it. In doubt (the response's tags are not known yet, marks have been dropped): yes.
   */
  mayStandBetween(stamp: FenceState, request: Expected): boolean {
    if (stamp.epoch !== this.#state.epoch || stamp.seq < this.#floor || stamp.seq < this.#horizon) return true
    const log = this.#held.list()
    for (let i = log.length - 1; i >= 0 && log[i]!.seq > stamp.seq; i--) {
      if (mightConcern(log[i]!.mark, request, this.options.tiles)) return true
    }
    return false
  }

  /**
   * The seq of the invalidation that killed the entry: the earliest, if several did; 0 when a fold or a new epoch did. Undefined
   * when none did. Goes through the log: for sweeps, not for requests.
   */
  killer(entry: Subject): number | undefined {
    const { epoch, seq } = entry.stamp
    if (epoch !== this.#state.epoch || seq < this.#floor) return 0
    const killer = this.marks().find(
      held => !held.mark.soft && held.bound > seq && this.concerns(held.mark, entry),
    )
    return killer?.seq
  }

  /** Raised whenever marks were dropped or missed. */
  protected get generation(): number {
    return this.#generation
  }

  /** Seq of the last of the oldest marks that weigh so much together; there is one at least. */
  protected oldest(weight: number): number {
    return this.#held.oldest(weight)
  }

  #covers({ epoch, seq }: FenceState): boolean {
    return epoch === this.#state.epoch && seq <= this.#state.seq
  }

  async #catchUp(state: FenceState): Promise<void> {
    if (this.#reading !== undefined) {
      // It may have read before `state` came to be; a second one cannot have.
      await this.#reading
      if (this.#covers(state)) return
    }
    await this.#read()
  }

  #read(): Promise<void> {
    return (this.#reading ??= this.#readLog().finally(() => {
      this.#reading = undefined
    }))
  }

  async #readLog(): Promise<void> {
    for (let more = true; more;) {
      const { epoch, seq } = this.#state
      const page = await this.store.marksAfter(seq, PAGE)
      if (page.fence.epoch !== epoch || page.fence.seq < seq) {
        // Another life of the counter (or one that went back, which is the same): begin anew with its whole log.
        this.#reset(page.fence.epoch)
        if (seq !== 0) continue
      }
      more = page.marks.length >= PAGE
      this.#apply(page, more ? page.marks.at(-1)!.seq : page.fence.seq)
    }
  }

  #reset(epoch: string): void {
    const first = this.#state === UNKNOWN
    this.#state = { epoch, seq: 0 }
    this.#floor = 0
    this.#horizon = 0
    this.#held.clear()
    this.#generation++
    if (!first) this.options.onReset()
  }

  #apply(page: MarksPage, reached: number): void {
    const { seq } = this.#state
    const missed = page.retired > seq
    if (missed) this.#generation++
    this.drop(page.retired)
    if (page.floor > this.#floor) this.raiseFloor(page.floor)
    else if (missed && seq > 0) this.options.onReset()
    this.learn(page.marks, { epoch: page.fence.epoch, seq: reached })
    // P9: should a log ever be longer than this node's limit allows for, it stops using what is older than what it can hold.
    const surplus = this.weight - 2 * this.options.maxMarks
    if (surplus > 0) this.raiseFloor(this.#held.oldest(surplus))
  }

  protected learn(logged: MarksPage['marks'], state: FenceState): void {
    const news = logged.filter(({ seq }) => seq > this.#state.seq).map(holdMark)
    this.#held.add(news)
    // While a page was on its way, an invalidation of this node's own may have gone further.
    if (state.seq > this.#state.seq) this.#state = state
    if (news.length > 0) this.options.onMarks(news)
  }

  protected raiseFloor(floor: number): void {
    this.#floor = Math.max(this.#floor, floor)
    this.drop(floor)
    this.options.onReset()
  }

  protected drop(upTo: number): void {
    this.#horizon = Math.max(this.#horizon, upTo)
    if (this.#held.dropUpTo(upTo)) this.#generation++
  }
}
