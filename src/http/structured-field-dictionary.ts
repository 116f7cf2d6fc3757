import {
  DisplayString,
  parseDictionary,
  Token,
  type BareItem,
  type InnerList,
  type Item,
} from 'structured-headers'

/** A dictionary member with its type (RFC 8941 §3.2), parameters dropped. */
export type Member =
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'integer'; readonly value: number }
  | { readonly type: 'decimal'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'token'; readonly value: string }
  | { readonly type: 'bytes' }
  /** An inner list; Integers and Decimals are not told apart in it. */
  | { readonly type: 'list'; readonly items: readonly Member[] }

/**
 * Reads a Dictionary Structured Field (RFC 8941 §4.2.2).
 * Dates and Display Strings, which RFC 9651 adds, fail the field: the fields read here are defined on RFC 8941's types.
 * @returns undefined when the value does not parse, as a whole; an empty map for an empty value.
 */
export function parseStructuredDictionary(text: string): ReadonlyMap<string, Member> | undefined {
  let parsed: Map<string, Item | InnerList>
  try {
    parsed = parseDictionary(text)
  } catch {
    return undefined // whatever the parser threw, the value is no dictionary; strict failure is what RFC 8941 §4.2 asks for
  }
  const decimals = decimalMembers(text)
  const members = new Map<string, Member>()
  for (const [key, member] of parsed) {
    const typed = memberOf(member, decimals.has(key))
    if (typed === undefined) return undefined
    members.set(key, typed)
  }
  return members
}

function memberOf(member: Item | InnerList, decimal: boolean): Member | undefined {
  const value = member[0]
  if (!Array.isArray(value)) return itemOf(value, decimal)
  const items: Member[] = []
  for (const [item] of value) {
    const typed = itemOf(item, false)
    if (typed === undefined) return undefined
    items.push(typed)
  }
  return { type: 'list', items }
}

function itemOf(value: BareItem, decimal: boolean): Member | undefined {
  if (typeof value === 'boolean') return { type: 'boolean', value }
  if (typeof value === 'string') return { type: 'string', value }
  if (typeof value === 'number') {
    return { type: decimal || !Number.isInteger(value) ? 'decimal' : 'integer', value }
  }
  if (value instanceof Token) return { type: 'token', value: value.toString() }
  if (value instanceof Date || value instanceof DisplayString) return undefined
  return { type: 'bytes' }
}

/**
 * Keys whose value is written as a Decimal. The library gives 60 for both `60` and `60.0`, but RFC 9213 §2.1 does not let a
 * Decimal pass for a delta-seconds. `text` has parsed, so outside strings a comma always ends a member. Last of a key counts.
 */
function decimalMembers(text: string): ReadonlySet<string> {
  const found = new Set<string>()
  if (!text.includes('.')) return found
  for (const member of text.replace(/"(?:[^"\\]|\\.)*"/g, '""').split(',')) {
    const [, key, point] = /^[ \t]*([a-z*][a-z0-9_\-.*]*)(?:=-?\d+(\.))?/.exec(member) ?? []
    if (key === undefined) continue
    if (point === undefined) found.delete(key)
    else found.add(key)
  }
  return found
}
