import { isOrdinary } from '../http/ordinary-fields.js'
import type { EntryCandidate } from './candidates.js'
import type { ClientRequest } from './exchange.js'
import type { Rule } from './rules.js'

/** What becomes of the request fields that are no part of the primary key (P4). Names in lower case. */
export interface UnkeyedFields {
  /** They stay behind. */
  readonly dropped: ReadonlySet<string>
  /** They go to the origin, and so the response is for requests with the same values of them, as if Vary had named them. */
  readonly own: readonly string[]
}

const NONE: readonly string[] = []
const NOTHING: ReadonlySet<string> = new Set()
export const ALL_FORWARDED: UnkeyedFields = { dropped: NOTHING, own: NONE }

/** The cache has rules of its own for these (RFC 9111 §3.5, `cookies`), or asks for itself in their place. */
const RULED = new Set([
  'authorization',
  'cookie',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
])

/**
 * For a request whose answer may be stored for others. `chosen`: the stored response that is to be refreshed, or stood in for; then
 * only the fields that it was made with go along, for what comes takes its place for all who may have it.
 */
export function unkeyedFields(
  { rawFields, vouched }: ClientRequest,
  rule: Rule,
  chosen: EntryCandidate | undefined,
): UnkeyedFields {
  const { mode, ignored, shared } = rule.unkeyed
  if (mode === 'forward') return ALL_FORWARDED
  // The layer's own CORS fields take the place of what the origin would say to this one.
  const answersCors = rule.layer?.settings.cors !== undefined
  let dropped: Set<string> | undefined
  let own: Set<string> | undefined
  for (let i = 0; i + 1 < rawFields.length; i += 2) {
    const name = rawFields[i]!.toLowerCase()
    if (shared.has(name) || RULED.has(name) || vouched?.has(name) === true) continue
    let isKept = false
    if (!ignored.has(name) && !(name === 'origin' && answersCors)) {
      if (isOrdinary(name, rawFields[i + 1]!)) continue
      isKept = mode === 'vary' && (chosen === undefined || varies(chosen, name))
    }
    if (isKept) (own ??= new Set()).add(name)
    else (dropped ??= new Set()).add(name)
  }
  if (dropped === undefined && own === undefined) return ALL_FORWARDED
  return { dropped: dropped ?? NOTHING, own: own === undefined ? NONE : [...own] }
}

function varies({ stored }: EntryCandidate, name: string): boolean {
  return stored.selecting.some(field => field.name === name)
}
