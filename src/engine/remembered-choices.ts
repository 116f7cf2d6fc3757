import { isDigested } from '../http/vary.js'
import { selectCandidate, type EntryCandidate } from './candidates.js'

/** Clients say what they like in these fields: what is remembered of it is bounded, in all and each. */
const MOST = 4096
const LONGEST = 512

interface Group {
  /** Fields that the choice depends on; undefined: of such values none are to be kept. */
  readonly names: readonly string[] | undefined
  readonly chosen: Map<string, EntryCandidate | undefined>
}

type GetField = (name: string) => string | null

/**
 * `selectCandidate` among what lies in memory, where most requests say one of few things: the choice depends on nothing but the group,
 * which is a new list whenever something in it changes, and on the request's values of the fields that it varies by.
 */
export class RememberedChoices {
  #groups = new WeakMap<readonly EntryCandidate[], Group>()
  #count = 0

  select<C extends EntryCandidate>(group: readonly C[], get: GetField): C | undefined {
    if (group.length === 1) return selectCandidate(group, get)
    let known = this.#groups.get(group)
    if (known === undefined) this.#groups.set(group, (known = { names: namesOf(group), chosen: new Map() }))
    const said = known.names === undefined ? undefined : textOf(known.names, get)
    if (said === undefined) return selectCandidate(group, get)
    const before = known.chosen.get(said)
    if (before !== undefined || known.chosen.has(said)) return before as C | undefined
    const chosen = selectCandidate(group, get)
    if (++this.#count > MOST) this.#forget()
    else known.chosen.set(said, chosen)
    return chosen
  }

  #forget(): void {
    this.#groups = new WeakMap()
    this.#count = 0
  }
}

/** A content coding that the client refuses is never selected, whatever Vary says. */
function namesOf(group: readonly EntryCandidate[]): readonly string[] | undefined {
  const names = new Set(['accept-encoding'])
  for (const { stored } of group) {
    for (const field of stored.selecting) {
      // Of such a value only a digest is kept anywhere.
      if (isDigested(field)) return undefined
      names.add(field.name)
    }
  }
  return [...names]
}

/** One text for one list of values: each with its length before it. */
function textOf(names: readonly string[], get: GetField): string | undefined {
  let text = ''
  for (const name of names) {
    const value = get(name)
    text += value === null ? '-' : `${value.length}:${value}`
    if (text.length > LONGEST) return undefined
  }
  return text
}
