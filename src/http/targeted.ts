import { Directives, type CacheControl } from './cache-control.js'
import { fieldValue, type RawFields } from './fields.js'
import { parseStructuredDictionary, type Member } from './structured-field-dictionary.js'

/** Directives whose value is a delta-seconds. */
const NUMERIC = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'])
/** Directives that a list of field names may qualify: Boolean true or a String (RFC 9213 §2.1). */
const QUALIFIABLE = new Set(['no-cache', 'private'])
/** Directives without a value. */
const FLAGS = new Set([
  'no-store',
  'must-revalidate',
  'proxy-revalidate',
  'public',
  'immutable',
  'must-understand',
  'no-transform',
])
/** Flags that forbid something: they count whatever their value's type, because ignoring them could reveal what is private. */
const RESTRICTING = new Set(['no-store', 'private', 'no-cache'])

/**
 * The targeted field that rules this response in place of Cache-Control and Expires (RFC 9213 §2.2): the first of `names`
 * that is present, parses as a Dictionary, and is not empty. Parameters are ignored, unknown directives are kept by name.
 *
 * A registered directive whose value has a wrong type (`max-age="60"`, `max-age=60.0`) makes the whole field invalid, so that the
 * next one, or Cache-Control, rules (RFC 9213 §2.1: such values should not be consumed); a negative Integer is kept as
 * `invalid`. `no-store`, `private` and `no-cache` count with any value but `?0`.
 * @param names target list, most applicable first, in any case.
 */
export function targetedCacheControl(
  fields: RawFields,
  names: readonly string[],
): { name: string; directives: CacheControl } | undefined {
  for (const name of names) {
    const value = fieldValue(fields, name.toLowerCase())
    if (value === undefined) continue
    const directives = parseTargeted(value)
    if (directives !== undefined) return { name, directives }
  }
  return undefined
}

/** What was read last, as of Cache-Control: an origin sends few different ones, and stored responses with equal ones share what was read. */
const KNOWN = new Map<string, CacheControl | undefined>()
const MOST_KNOWN = 512
const LONGEST_KNOWN = 256

function parseTargeted(value: string): CacheControl | undefined {
  if (value.length > LONGEST_KNOWN) return readTargeted(value)
  const known = KNOWN.get(value)
  if (known !== undefined || KNOWN.has(value)) return known
  const read = readTargeted(value)
  if (KNOWN.size >= MOST_KNOWN) KNOWN.clear()
  KNOWN.set(value, read)
  return read
}

function readTargeted(value: string): CacheControl | undefined {
  const members = parseStructuredDictionary(value)
  if (members === undefined || members.size === 0) return undefined
  const directives = new Directives()
  for (const [name, member] of members) {
    if (!addMember(directives, name, member)) return undefined
  }
  return directives
}

/** False when the member's type is wrong for its directive. */
function addMember(directives: Directives, name: string, member: Member): boolean {
  if (member.type === 'boolean' && !member.value) return !NUMERIC.has(name) // `no-store=?0`: not set
  if (NUMERIC.has(name)) {
    if (member.type !== 'integer') return false
    directives.add(name, String(member.value))
    return true
  }
  if (FLAGS.has(name) && member.type !== 'boolean' && !RESTRICTING.has(name)) return false
  // Only a String can list fields; any other value leaves the directive unqualified, which forbids more.
  const qualified = !QUALIFIABLE.has(name) || member.type === 'string'
  directives.add(name, qualified ? argumentOf(member) : undefined)
  return true
}

function argumentOf(member: Member): string | undefined {
  switch (member.type) {
    case 'integer':
    case 'decimal':
    case 'string':
    case 'token':
      return String(member.value)
    default:
      return undefined
  }
}
