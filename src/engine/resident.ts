import type { EntryCandidate } from './candidates.js'
import type { Resident } from './memory-tier.js'
import { sharedPolicy } from './shared-policies.js'

/** A candidate with its body in memory, if it is a small one. */
export function residentOf(
  candidate: EntryCandidate,
  body: Buffer | undefined,
  checkedSeq: number,
): Resident {
  const { stored, initialAge, soft, coding } = candidate
  const policy = sharedPolicy(candidate.policy)
  // One literal, so that all residents have one shape: a spread gives each a hidden class of its own, some hundred bytes.
  return { stored, policy, initialAge, soft, coding, body, checkedSeq, rendering: undefined }
}
