import type { AnswerFields } from './answer-fields.js'
import type { EntryCandidate } from './candidates.js'
import type { Resident } from './memory-tier.js'

/** A candidate with its body in memory and its answer's fields ready-made. */
export function residentOf(
  candidate: EntryCandidate,
  body: Buffer,
  checkedSeq: number,
  answers: AnswerFields,
): Resident {
  return {
    ...candidate,
    body,
    checkedSeq,
    rendering: { age: -1, ttl: 0, detail: '', cacheStatus: '', head: undefined },
    baseFields: baseFieldsOf(candidate, answers),
  }
}

export function baseFieldsOf({ stored }: EntryCandidate, answers: AnswerFields): readonly string[] {
  return answers.base(stored.status, stored.fields, stored.body.size)
}
