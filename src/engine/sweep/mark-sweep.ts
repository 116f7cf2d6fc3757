import type { Fence } from '../fence/fence.js'
import type { HeldMark } from '../fence/mark-index.js'
import type { Subject } from '../fence/mark.js'
import { namesOf } from '../fence/mark-faults.js'
import type { Entry, EntryUse, ListPage, MetadataStore } from '../ports/index.js'
import type { Pass, Swept, WalkPlace } from './pass.js'
import type { Counts, Watch } from './counts.js'

export interface MarkSweepOptions {
  readonly batch: number
  readonly maxMarks: number
  /** How long a mark stays in the log after its sweep, so that fills that began before it can still be held against it, ms. */
  readonly retireAfterMs: number
  /** Pause between walks that only look whether soft marks are still needed, ms. */
  readonly softWalkMs: number
}

/** What one pass works with. */
interface Round {
  readonly pass: Pass
  /** Invalidations whose entries are to be counted, by seq. */
  readonly due: ReadonlyMap<number, Watch>
  /** Soft marks that are resolved as hard ones. */
  readonly hardened: ReadonlySet<HeldMark>
  /** Soft marks of which nothing has been seen yet that they concern. */
  readonly undecided: Set<HeldMark>
}

/**
 * The sweep's first step: entries that marks killed are removed, then the marks leave the log.
 *
 * A hard mark is done with once nothing in the store is concerned. A soft mark removes nothing, so it is needed until everything
 * it concerns was fetched anew or has gone. It must not hold up the log before it: when it is in the way, it is logged once more
 * at the end, *bounded* by its old seq (so that it concerns exactly what it did), and its first place is retired. Should soft marks
 * fill more than a quarter of the log, the oldest of them are resolved as hard ones: more than need be, never less.
 */
export class MarkSweep {
  /** No entry in the store is killed by marks up to this seq. */
  #sweptTo = 0
  #sweptFloor = 0
  #epoch = ''
  /** Soft marks that concern something, as the last walk has seen it; those after `#walkedTo` are not known yet. */
  #neededSoft = new Set<string>()
  #walkedTo = 0
  #walkedAt = -Infinity

  constructor(
    private readonly store: MetadataStore,
    private readonly fence: Fence,
    private readonly counts: Counts,
    private readonly options: MarkSweepOptions,
  ) {}

  /** @param now ms since the epoch */
  async run(pass: Pass, now: number): Promise<void> {
    const { fence } = this
    await fence.refresh()
    const state = fence.state()
    if (state.epoch !== this.#epoch) this.#restart(state.epoch)
    this.#learn(pass)
    const floor = fence.floor
    const place = this.#placeOf(pass, state.seq, floor)
    if (place !== undefined) return this.#goOn(pass, place, now)
    // Those that ask from now on get the next pass: this one may have passed over what they ask for.
    const due = new Map([...this.counts.watches].filter(([seq]) => seq <= state.seq))
    const fresh = fence.marks().filter(({ seq, mark }) => seq > this.#sweptTo && !mark.soft)
    const asked = fence.marks().filter(({ seq, mark }) => mark.soft && due.has(seq))
    const work = [...fresh, ...asked]
    const round: Round = { pass, due, hardened: this.#hardened(), undecided: new Set() }
    if (
      floor > this.#sweptFloor ||
      round.hardened.size > 0 ||
      this.#softWalkDue(now) ||
      !work.every(isAboutOneKey)
    ) {
      await this.#walk(round, { ...state, floor })
      this.#walkedTo = state.seq
      this.#walkedAt = now
    } else await this.#direct(round, work)
    this.#sweptTo = state.seq
    this.#sweptFloor = floor
    pass.swept = { ...state, floor }
    for (const watch of due.values()) watch.finish()
    await this.#retire(state.seq, now)
  }

  /** What other nodes have swept need not be walked again. */
  #learn({ swept }: Pass): void {
    if (swept === undefined || swept.epoch !== this.#epoch) return
    this.#sweptTo = Math.max(this.#sweptTo, swept.seq)
    this.#sweptFloor = Math.max(this.#sweptFloor, swept.floor)
  }

  /** Where another node's walk came to its end too early, if what it has done so far still counts. */
  #placeOf({ place }: Pass, seq: number, floor: number): WalkPlace | undefined {
    if (place === undefined || place.epoch !== this.#epoch) return undefined
    return place.seq <= seq && place.seq > this.#sweptTo && place.floor <= floor ? place : undefined
  }

  /**
   * The rest of a walk that another node began. Its beginning was held against older marks only, so no more than that is swept in the
   * end; nothing is learnt about soft marks, and nobody here waits for its count.
   */
  async #goOn(pass: Pass, place: WalkPlace, now: number): Promise<void> {
    const round: Round = { pass, due: new Map(), hardened: new Set(), undecided: new Set() }
    await this.#eachPage(round, place, place.cursor)
    this.#sweptTo = place.seq
    this.#sweptFloor = Math.max(this.#sweptFloor, place.floor)
    pass.swept = { epoch: place.epoch, seq: this.#sweptTo, floor: this.#sweptFloor }
    await this.#retire(place.seq, now)
  }

  #restart(epoch: string): void {
    this.#epoch = epoch
    this.#sweptTo = 0
    this.#sweptFloor = 0
    this.#walkedTo = 0
    this.#walkedAt = -Infinity
    this.#neededSoft.clear()
  }

  #softMarks(): HeldMark[] {
    return this.fence.marks().filter(({ mark }) => mark.soft)
  }

  #softWalkDue(now: number): boolean {
    return now - this.#walkedAt >= this.options.softWalkMs && this.#softMarks().length > 0
  }

  #isFull(): boolean {
    return this.fence.weight > this.options.maxMarks / 2
  }

  #hardened(): Set<HeldMark> {
    const soft = this.#isFull() ? this.#softMarks() : []
    return new Set(soft.slice(0, Math.max(0, soft.length - Math.floor(this.options.maxMarks / 4))))
  }

  /** Marks about one key each: their variants are looked up, nothing else is read. */
  async #direct(round: Round, marks: readonly HeldMark[]): Promise<void> {
    const keys = [...new Set(marks.map(({ mark }) => mark.key!))]
    for (let at = 0; at < keys.length; at += this.options.batch) {
      const dead: Entry[] = []
      for (const key of keys.slice(at, at + this.options.batch)) {
        const { entries } = await this.fence.lookup(key)
        for (const entry of entries) if (this.#isToGo(entry, undefined, round)) dead.push(entry)
      }
      await this.#remove(dead, round.pass)
      await round.pass.breathe()
    }
  }

  /** Everything in the store, once, against all marks. */
  async #walk(round: Round, upTo: Swept): Promise<void> {
    const soft = this.#softMarks().filter(held => !round.hardened.has(held))
    for (const held of soft) round.undecided.add(held)
    await this.#eachPage(round, upTo, undefined)
    this.#neededSoft = new Set(soft.filter(held => !round.undecided.has(held)).map(({ mark }) => mark.id))
  }

  async #eachPage(
    round: Round,
    { epoch: life, seq: sweptTo, floor }: Swept,
    from: string | undefined,
  ): Promise<void> {
    const { pass } = round
    pass.total = (await this.store.usage()).entries + pass.removed
    const { batch } = this.options
    let next: Promise<ListPage> | undefined = this.store.list(batch, from)
    while (next !== undefined) {
      const page: ListPage = await next
      const { cursor } = page
      // The next page comes while this one is worked on: what is removed lies before its cursor.
      next = cursor === undefined ? undefined : this.store.list(batch, cursor)
      // Should this page fail, or be the last before a stop, nobody asks how the next one went.
      next?.catch(() => undefined)
      // Stamped after what this node has seen: not dead, only newer.
      const { epoch, seq } = this.fence.state()
      const unseen = page.items.some(({ entry: { stamp } }) => stamp.epoch !== epoch || stamp.seq > seq)
      if (unseen) await this.fence.refresh()
      const dead = page.items
        .filter(({ entry, use }) => this.#isToGo(entry, use, round))
        .map(({ entry }) => entry)
      await this.#remove(dead, round.pass)
      if (cursor !== undefined) pass.place = { epoch: life, seq: sweptTo, floor, cursor }
      await pass.breathe()
    }
    delete pass.place
  }

  async #remove(dead: readonly Entry[], pass: Pass): Promise<void> {
    if (dead.length === 0) return
    pass.removed += await this.store.remove(
      dead.map(({ key, variant, body }) => ({ key, variant, bodyId: body.id })),
    )
    for (const { body } of dead) pass.bytes += body.size
  }

  /** Holds one entry against the marks, counts it for those who asked, and says whether it is to be removed. */
  #isToGo(entry: Entry, use: EntryUse | undefined, round: Round): boolean {
    round.pass.examined++
    const verdict = this.fence.verdict(entry)
    if (verdict === 'live') return false
    if (verdict === 'dead') {
      if (this.counts.wanted) this.counts.killed(this.fence.killer(entry) ?? 0, entry, use)
      return true
    }
    this.#countSoft(entry, use, round.due)
    for (const held of round.hardened) if (this.#isHit(held, entry)) return true
    for (const held of round.undecided) if (this.#isHit(held, entry)) round.undecided.delete(held)
    return false
  }

  #countSoft(entry: Entry, use: EntryUse | undefined, due: Round['due']): void {
    for (const [seq, watch] of due) {
      if (this.fence.marks().some(held => held.seq === seq && held.mark.soft && this.#isHit(held, entry)))
        watch.hit(entry, use)
    }
  }

  async #retire(swept: number, now: number): Promise<void> {
    const log = this.fence.marks()
    // A log that fills up is shortened at once, whatever began before.
    const full = this.#isFull()
    const kept = log.find(
      ({ seq, mark }) => seq > swept || (!full && mark.at + this.options.retireAfterMs > now),
    )
    const upTo = kept === undefined ? swept : kept.seq - 1
    const leaving = log.filter(({ seq }) => seq <= upTo)
    if (leaving.length === 0) return
    const needed = leaving.filter(held => this.#isNeeded(held))
    const first = needed[0]
    if (first === undefined) return this.fence.retire(upTo)
    // Moving them costs as many marks as it frees, or less; else only what is before them goes.
    if (leaving.length < 2 * needed.length) {
      if (leaving[0]!.seq < first.seq) await this.fence.retire(first.seq - 1)
      return
    }
    await this.fence.relog(needed, upTo)
  }

  #isHit(held: HeldMark, entry: Subject): boolean {
    return entry.stamp.seq < held.bound && this.fence.concerns(held.mark, entry)
  }

  #isNeeded({ mark, seq }: HeldMark): boolean {
    return mark.soft && (seq > this.#walkedTo || this.#neededSoft.has(mark.id))
  }
}

function isAboutOneKey({ mark }: HeldMark): boolean {
  return mark.key !== undefined && namesOf(mark).length === 1
}
