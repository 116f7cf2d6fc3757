import type { Assessment } from './assess.js'
import { candidateOf } from './candidates.js'
import { Fill, type FillDeps, type FillPlan, type FillResult } from './fill.js'
import type { LeadPlan } from './lead-plan.js'
import { combinePartial } from './partials.js'
import type { Parts } from './parts.js'
import type { Entry } from './ports/index.js'
import { residentOf } from './resident.js'
import { StoredResponses } from './stored-responses.js'

/** The fill of a flight: what was judged worth storing, as it goes by; then, stored, into memory. */
export class LeadFill {
  readonly #fill: Fill
  /** What the commit needs of the flight's plan, and no more: it may take a while, and the rest holds a request and its client. */
  readonly #plan: Pick<LeadPlan, 'identity' | 'candidate' | 'rule' | 'isWarming' | 'onStored'>
  /** For what was stored before. */
  readonly #stored: StoredResponses | undefined

  constructor(
    private readonly parts: Parts,
    plan: LeadPlan,
    private readonly judged: Assessment & { action: 'store' },
    onReady: () => void,
  ) {
    const { identity, candidate, rule, isWarming, onStored } = plan
    this.#plan = { identity, candidate, rule, isWarming, onStored }
    this.#stored = candidate === undefined ? undefined : new StoredResponses(parts, plan)
    this.#fill = new Fill(this.#deps(), this.#fillPlan(), onReady)
  }

  get blocked(): boolean {
    return this.#fill.blocked
  }

  write(chunk: Buffer): void {
    this.#fill.write(chunk)
  }

  abort(): void {
    this.#fill.abort()
  }

  /** The origin's message came to a clean end. Resolves once it is stored, or never will be. */
  finish(): Promise<void> {
    return this.#fill.finish().then(result => this.#filled(result))
  }

  #deps(): FillDeps {
    const { metadata, bodies, clock, pending, settings, fence } = this.parts
    const { maxVariants, smallBodyBytes, inlineBodyBytes, reservationMs } = settings.limits
    const { identity } = this.#plan
    const commit = (entry: Entry, inline?: Buffer) =>
      // A purge of the key that it was asked for by means this content too.
      entry.key === identity.key
        ? fence.commitChecked(entry, { maxVariants, inline })
        : fence.commitChecked(entry, { maxVariants, inline }, { ...entry, key: identity.key })
    return { metadata, bodies, clock, pending, commit, smallBodyBytes, inlineBodyBytes, reservationMs }
  }

  #fillPlan(): FillPlan {
    const { candidate, rule } = this.#plan
    const { settings, smallBodies } = this.parts
    const { entry } = this.judged
    const part = entry.range !== undefined && candidate?.stored.range !== undefined ? candidate : undefined
    return {
      entry,
      maxBodyBytes: rule.maxBodyBytes,
      exactRange: !settings.http.inexactContentRange,
      combine:
        part === undefined ? undefined : (bytes: Buffer) => combinePartial(smallBodies, part, entry, bytes),
    }
  }

  #filled(result: FillResult): void {
    const { parts } = this
    if (result.stored) {
      parts.stats.fills++
      this.#remember(result)
      return
    }
    parts.stats.fillFailures++
    if (result.reason === 'too-large' || result.reason === 'fenced') return
    const { reason, error } = result
    parts.events.warn('fill-failed', { url: this.#plan.identity.url, reason, error })
  }

  #remember({ entry, bytes, seq }: FillResult & { stored: true }): void {
    const { fence, memory } = this.parts
    const { candidate, rule, isWarming, onStored } = this.#plan
    const { address, policy, entry: asked } = this.judged
    // What is newer went elsewhere: where it was looked for, nothing older may be found.
    if (candidate !== undefined && candidate.stored.key !== entry.key) void this.#stored?.discard(candidate)
    // Asked twice, for each time the fence says something else. Since its stamp: a soft purge lets it be stored, but stale. Since the
    // commit was held against all marks (`seq`): what came after that, and was retired while the store's answer was on its way, is in
    // no log any more; the mirror only knows that there was something.
    if (fence.verdict(entry) !== 'live' || fence.verdict(entry, seq) !== 'live') return
    onStored?.(entry)
    if (bytes === undefined || isWarming || !memory.takes(bytes.length)) return
    const known = entry.fields === asked.fields ? policy : undefined
    memory.put(address.text, residentOf(candidateOf(entry, rule, false, known), bytes, fence.state().seq))
  }
}
