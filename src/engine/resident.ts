import type { AnswerFields } from './answer-fields.js'
import type { EntryCandidate } from './candidates.js'
import type { Rendering, Resident } from './memory-tier.js'

/** A candidate with its answer's fields ready-made, and its body in memory if it is a small one. */
export function residentOf(
  candidate: EntryCandidate,
  body: Buffer | undefined,
  checkedSeq: number,
  answers: AnswerFields,
): Resident {
  const { stored, policy, initialAge, soft, coding } = candidate
  // One literal, so that all residents have one shape: a spread gives each a hidden class of its own, some hundred bytes.
  return {
    stored,
    policy,
    initialAge,
    soft,
    coding,
    body,
    checkedSeq,
    rendering: newRendering(),
    baseFields: baseFieldsOf(candidate, answers),
  }
}

export function baseFieldsOf({ stored }: EntryCandidate, answers: AnswerFields): readonly string[] {
  return answers.base(stored.status, stored.fields, stored.body.size)
}

function newRendering(): Rendering {
  return {
    age: -1,
    ttl: 0,
    detail: '',
    cacheStatus: '',
    whole: undefined,
    notModified: undefined,
    matched: undefined,
  }
}
