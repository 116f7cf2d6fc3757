import type { Candidate } from '../http/decide.js'
import { acceptsCoding } from '../http/content-coding.js'
import { dateOf, initialAge } from '../http/freshness.js'
import { fieldValue } from '../http/fields.js'
import { policyOf, type ResponsePolicy } from '../http/policy.js'
import type { SelectingField } from '../http/stored-response.js'
import { selects, selectsByPreference } from '../http/vary.js'
import type { Entry } from './ports/index.js'
import { policyRuleFor, type Rule } from './rules.js'

/** A stored entry that may answer, with what has been read out of it once. */
export interface EntryCandidate extends Candidate<Entry> {
  /** Content-Encoding of the stored body; undefined for none. */
  readonly coding: string | undefined
}

/** @param known its policy, where it has been read already */
export function candidateOf(entry: Entry, rule: Rule, soft: boolean, known?: ResponsePolicy): EntryCandidate {
  return {
    stored: entry,
    policy: known ?? policyOf(entry, policyRuleFor(rule, entry)),
    initialAge: initialAge(entry),
    soft,
    coding: fieldValue(entry.fields, 'content-encoding'),
  }
}

/**
 * RFC 9111 §4.1: the stored response that Vary selects for this request, the newest by Date if several do. One with a content
 * coding that the client refuses is never selected, whatever Vary says.
 */
export function selectCandidate<C extends EntryCandidate>(
  candidates: readonly C[],
  get: (name: string) => string | null,
): C | undefined {
  let best: C | undefined
  for (const candidate of candidates) {
    if (!mayAnswer(candidate, get)) continue
    if (best === undefined || dateOf(candidate.stored) > dateOf(best.stored)) best = candidate
  }
  return best
}

export function mayAnswer(candidate: EntryCandidate, get: (name: string) => string | null): boolean {
  const { selecting, fields } = candidate.stored
  if (selecting.length > 0 && !selects(selecting, get) && !selectsByPreference(selecting, fields, get))
    return false
  return takesCoding(candidate.coding, selecting, get)
}

/**
 * Not "any coding will do" for a client that names none (RFC 9110 §12.5.3): most of those can read none. It gets what an origin chose for
 * a request that named none either.
 */
export function takesCoding(
  coding: string | undefined,
  selecting: readonly SelectingField[],
  get: (name: string) => string | null,
): boolean {
  if (coding === undefined) return true
  const accept = get('accept-encoding')
  if (acceptsCoding(accept, coding)) return true
  return accept === null && selecting.some(({ name, value }) => name === 'accept-encoding' && value === null)
}
