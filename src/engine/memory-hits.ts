import { decide, type Decision } from '../http/decide.js'
import { valueOf } from './assess.js'
import type { EntryCandidate } from './candidates.js'
import type { Exchange } from './exchange.js'
import { tileOf } from './identity.js'
import type { Resident } from './memory-tier.js'
import type { Parts } from './parts.js'
import type { TileRef } from './ports/index.js'
import { RememberedChoices } from './remembered-choices.js'
import { RenderedHits } from './rendered-hits.js'
import { answersFor } from './search-variance.js'
import type { StoredAnswers } from './stored-answers.js'
import { requestFacts, type Trip } from './trip.js'

/** The journey's short way: what lies in memory and is fresh is answered at once. */
export class MemoryHits {
  readonly #rendered: RenderedHits
  readonly #choices = new RememberedChoices()

  constructor(
    private readonly parts: Parts,
    private readonly answers: StoredAnswers,
    private readonly broken: (x: Exchange, error: unknown) => void,
  ) {
    this.#rendered = new RenderedHits(parts)
  }

  /** lookup in memory; where what is under the simplified URL answers for others (No-Vary-Search), under the URL as it was asked. */
  answer(trip: Trip): MemoryHit {
    const { memory } = this.parts
    const { identity } = trip
    const found = memory.find(identity.text)
    if (found === undefined) return 'none'
    const residents = answering(trip, found)
    if (residents.length > 0) return this.#hit(trip, residents)
    const literal = memory.find(identity.asked!.text)
    if (literal === undefined) return 'none'
    trip.identity = identity.asked!
    const hit = this.#hit(trip, literal)
    if (hit === 'none') trip.identity = identity
    return hit
  }

  /** lookup and decide in memory: no promise, no hash. `none`: it takes the stores, or the origin. */
  #hit(trip: Trip, residents: readonly Resident[]): MemoryHit {
    const { parts } = this
    const { x } = trip
    if (!parts.lease.holds()) return 'none'
    const get = (name: string) => valueOf(x.request, name)
    const chosen = this.#choices.select(residents, get)
    if (chosen === undefined || parts.fence.verdict(chosen.stored, chosen.checkedSeq) !== 'live')
      return 'none'
    const now = parts.clock.now()
    const decision = told(trip, decide(requestFacts(trip), chosen, false, now))
    if (decision.action !== 'hit') return 'none'
    const { outcome } = x
    outcome.tier = 'memory'
    outcome.key = chosen.stored.key
    if (trip.rule.layer !== undefined) {
      outcome.tile = chosen.stored.tile ?? knownTile(trip)
      outcome.savedMs = chosen.stored.responseTime - chosen.stored.requestTime
    }
    const { detail, ttl } = decision
    if (!this.#rendered.answer(x, chosen, { detail, ttlMs: ttl, now })) {
      if (chosen.body === undefined) {
        this.answers
          .answer(trip, chosen, 'HIT', detail, ttl, false)
          .catch((error: unknown) => this.broken(x, error))
        return 'streams'
      }
      this.answers.deliver(trip, chosen, 'HIT', detail, ttl)
    }
    parts.stats.memoryHits++
    return 'answered'
  }
}

/** `none`: it takes the stores, or the origin. */
export type MemoryHit = 'answered' | 'streams' | 'none'

/** Those that answer for the URL that was asked for. */
export function answering<C extends EntryCandidate>(
  { identity: { asked } }: Trip,
  found: readonly C[],
): readonly C[] {
  if (asked === undefined) return found
  const those = found.filter(({ stored }) => answersFor(stored, asked.url))
  // The very list, where nothing falls out: what was chosen among them is remembered by it.
  return those.length === found.length ? found : those
}

/** The decision; one that was taken under what No-Vary-Search makes of the URL says so (P11). */
export function told<C extends EntryCandidate>(trip: Trip, decision: Decision<C>): Decision<C> {
  if (trip.identity.asked === undefined || decision.action === 'unsatisfiable') return decision
  return { ...decision, detail: `${decision.detail}; no-vary-search` }
}

function knownTile({ identity, rule }: Trip): TileRef | undefined {
  const tile = tileOf(identity, rule)
  return tile === 'none' ? undefined : tile
}
