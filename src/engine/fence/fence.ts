import type { CommitOptions, CommitResult, Entry, FenceState, Lookup } from '../ports/index.js'
import type { EveryField } from '../every-field.js'
import { LogMirror } from './log-mirror.js'
import { encodeMark } from './mark-codec.js'
import type { HeldMark } from './mark-index.js'
import type { Mark, Subject } from './mark.js'

export type CheckedCommit =
  | { readonly ok: true; readonly seq: number }
  | Extract<CommitResult, { ok: false }>
  | { readonly ok: false; readonly reason: 'dead' }

// Each try loses only to an invalidation that came within the one step; under a storm of them it takes more than a few.
const COMMIT_TRIES = 32
const LOOKUP_TRIES = 4

/**
 * What reads and writes entries and the log of marks by way of this node's mirror, so that what comes out may be used (P1).
 *
 * A mark with seq N is about entries stamped below N. A sweep removes those from the store and then retires the mark; the mirror
 * then drops it as well. So an entry that was read *before* that and is judged *after* it could look live: `lookup` therefore
 * reads again when marks were dropped while it waited, and whoever keeps entries in memory gives `verdict` the seq of its last check.
 */
export class Fence extends LogMirror {
  /**
   * The store's lookup, with the mirror brought up to its fence: what it returns can be judged by `verdict`. At once, without
   * a promise, when the store answers so and no mark is new.
   */
  lookup(key: string): Lookup | Promise<Lookup> {
    return this.#lookup(key, 1)
  }

  /**
   * Commits, held against all marks: when one comes in between, checks again and tries again.
   * `dead`: an invalidation since its stamp concerns the entry.
   * `seq`: up to there the entry was held against all marks; for `verdict`, when it is kept in memory: what came and was retired while
   * the store's answer was on its way is in no log any more.
   * @param known what the content was known as before, where that was another key, or its fields said another thing of its URLs.
   */
  async commitChecked(
    entry: Entry,
    { replaces, expectBody, unlessNewer, maxVariants, inline }: Omit<CommitOptions, 'checked'>,
    known: Subject = entry,
  ): Promise<CheckedCommit> {
    for (let tries = 1; ; tries++) {
      if (this.verdict(entry) === 'dead') return { ok: false, reason: 'dead' }
      if (known !== entry && this.verdict(known) === 'dead') return { ok: false, reason: 'dead' }
      const checked = this.state()
      // One literal, one shape; a spread makes each a costly one of its own.
      const options: EveryField<CommitOptions> = {
        checked,
        replaces,
        expectBody,
        unlessNewer,
        maxVariants,
        inline,
      }
      const result = await this.store.commit(entry, options)
      if (result.ok) return { ok: true, seq: checked.seq }
      if (result.reason !== 'fence' || tries === COMMIT_TRIES) return result
      await this.observe(result.fence)
    }
  }

  /**
   * Logs the marks, all with one seq, and mirrors them: after that they hold here, and everywhere where the mirror is up to date.
   * @throws FaultyRequest for faulty marks; StrataError STRATA_STORE_UNAVAILABLE when it is not certain that they hold.
   */
  async invalidate(marks: readonly Mark[]): Promise<FenceState> {
    const state = await this.#write(marks)
    if (this.weight > this.options.maxMarks) await this.#fold()
    return state
  }

  /**
   * Moves marks to the log's end, each about exactly what it was about, and retires all up to `upTo`: for soft marks that are
   * still needed when what is around them is not. @throws StrataError STRATA_STORE_UNAVAILABLE
   */
  async relog(needed: readonly HeldMark[], upTo: number): Promise<void> {
    const byId = new Map(needed.map(({ mark, bound }) => [mark.id, { ...mark, before: bound }]))
    await this.#write([...byId.values()])
    await this.retire(upTo)
  }

  async #write(marks: readonly Mark[]): Promise<FenceState> {
    const texts = marks.map(encodeMark)
    const state = await this.store.invalidate(texts)
    this.options.onRaised?.(state)
    if (state.epoch === this.state().epoch && state.seq === this.state().seq + 1) {
      this.learn(
        texts.map(mark => ({ seq: state.seq, mark })),
        state,
      )
    } else await this.observe(state)
    return state
  }

  /** After a sweep: nothing in the store is concerned by marks up to `upTo` any more. @throws StrataError STRATA_STORE_UNAVAILABLE */
  async retire(upTo: number): Promise<void> {
    const { epoch } = this.state()
    await this.store.retireMarks(upTo, false)
    if (epoch === this.state().epoch) this.drop(upTo)
  }

  /** The limit: the oldest half goes, and with it all that is older. More than need be, never less. */
  async #fold(): Promise<void> {
    // Other nodes may have retired some already.
    await this.refresh()
    if (this.weight <= this.options.maxMarks) return
    const { epoch } = this.state()
    const upTo = this.oldest(Math.ceil(this.weight / 2))
    await this.store.retireMarks(upTo, true)
    if (epoch === this.state().epoch) this.raiseFloor(upTo)
  }

  #lookup(key: string, tries: number): Lookup | Promise<Lookup> {
    const generation = this.generation
    const found = this.store.lookup(key)
    if (found instanceof Promise) return found.then(lookup => this.#settle(key, lookup, generation, tries))
    return this.#settle(key, found, generation, tries)
  }

  #settle(key: string, found: Lookup, generation: number, tries: number): Lookup | Promise<Lookup> {
    const catchingUp = this.observe(found.fence)
    if (catchingUp === undefined) return this.#checkable(key, found, generation, tries)
    return catchingUp.then(() => this.#checkable(key, found, generation, tries))
  }

  #checkable(key: string, found: Lookup, generation: number, tries: number): Lookup | Promise<Lookup> {
    if (generation === this.generation) return found
    // Marks that would have to be held against these entries may be gone. What is read now has outlived their sweep.
    return tries < LOOKUP_TRIES ? this.#lookup(key, tries + 1) : { entries: [], fence: this.state() }
  }
}
