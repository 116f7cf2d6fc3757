import { parseList, type InnerList, type Item } from 'structured-headers'
import { fieldValue, type RawFields } from './fields.js'

/** RFC 9875: the groups that a response belongs to, and those that a response to an unsafe request invalidates. */
export const CACHE_GROUPS = 'cache-groups'
export const CACHE_GROUP_INVALIDATION = 'cache-group-invalidation'

/**
 * Reads a List of Strings (RFC 9875 §2, §3); parameters are ignored. A field that does not parse, or has a member that is no
 * String, is ignored as a whole (RFC 9651 §4.2).
 * @param name field name in any case. @returns distinct groups in their order.
 */
export function parseGroups(fields: RawFields, name: string): readonly string[] {
  const value = fieldValue(fields, name.toLowerCase())
  if (value === undefined) return []
  let members: (InnerList | Item)[]
  try {
    members = parseList(value)
  } catch {
    return [] // whatever the parser threw, the value is no list; strict failure is what RFC 9651 §4.2 asks for
  }
  const groups = new Set<string>()
  for (const [member] of members) {
    if (typeof member !== 'string') return []
    groups.add(member)
  }
  return [...groups]
}
