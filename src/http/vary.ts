import { hash } from 'node:crypto'
import { fieldLines, fieldValue, type RawFields } from './fields.js'
import { formatWeighted, parseWeighted, type Weighted } from './negotiation.js'
import type { SelectingField } from './stored-response.js'

/** Gives a request field's combined value by its lower-case name; null when the request does not have it. */
export type GetField = (name: string) => string | null

/** Weighted lists without an order of their own (RFC 9110 §12.5): what counts are ranges and weights. */
const WEIGHTED = new Set(['accept', 'accept-charset', 'accept-encoding', 'accept-language'])

/**
 * Reads Vary (RFC 9110 §12.5.5): field names in lower case, distinct, in their order; `*` when it stands anywhere in the list, since
 * then no request can be known to match (RFC 9111 §4.1).
 */
const NO_NAMES: readonly string[] = []

export function parseVary(fields: RawFields): readonly string[] | '*' {
  const names = new Set<string>()
  for (const line of fieldLines(fields, 'vary')) {
    for (const part of line.split(',')) {
      const name = part.trim().toLowerCase()
      if (name === '*') return '*'
      if (name !== '') names.add(name)
    }
  }
  return names.size === 0 ? NO_NAMES : [...names]
}

/**
 * A selecting field's value in the form in which values are compared (RFC 9111 §4.1 lets values be normalised where that keeps their
 * meaning). Accept, Accept-Charset, Accept-Encoding and Accept-Language: order, case, spaces and the spelling of weights do not
 * count. Every other field, and a malformed one of these: only whitespace round commas outside quotes does not.
 * Idempotent. An absent field (null) is not the same as an empty one.
 */
export function normalise(name: string, value: string | null): string | null {
  if (value === null) return null
  if (!WEIGHTED.has(name)) return withoutListSpace(value)
  return value.length > MEMO_LENGTH ? normaliseWeighted(value) : remembered(value)
}

/** Browsers send few distinct values of these fields, and every hit asks: 2 µs become 0.1. Full, it starts anew (P9). */
const memo = new Map<string, string>()
const MEMO_ENTRIES = 512
const MEMO_LENGTH = 256

function remembered(value: string): string {
  let normal = memo.get(value)
  if (normal === undefined) {
    normal = normaliseWeighted(value)
    if (memo.size >= MEMO_ENTRIES) memo.clear()
    memo.set(value, normal)
  }
  return normal
}

function normaliseWeighted(value: string): string {
  const list = parseWeighted(value)
  return list === undefined ? withoutListSpace(value) : formatWeighted(list)
}

/** The selecting fields of a request, for storing with the response that it brought. */
const NO_SELECTING: readonly SelectingField[] = []

export function selectingFields(vary: readonly string[], get: GetField): readonly SelectingField[] {
  return vary.length === 0 ? NO_SELECTING : vary.map(name => ({ name, value: normalise(name, get(name)) }))
}

/**
 * Selecting fields that no Vary names: of these a digest is kept, for they may hold what no store should (API keys), and be long.
 * No field value can hold a NUL, so no value is taken for a digest.
 */
export function digestedFields(names: readonly string[], get: GetField): SelectingField[] {
  return names.map(name => ({ name, value: digestOf(get(name)) }))
}

export function isDigested({ value }: SelectingField): boolean {
  return value !== null && value.charCodeAt(0) === 0
}

function digestOf(value: string | null): string | null {
  return value === null ? null : `\0${hash('sha256', value, 'base64url')}`
}

/** Whether a request selects the stored response (RFC 9111 §4.1). */
export function selects(stored: readonly SelectingField[], get: GetField): boolean {
  for (const field of stored) if (!agrees(field, get)) return false
  return true
}

function agrees(field: SelectingField, get: GetField): boolean {
  const { name, value } = field
  const asked = get(name)
  if (isDigested(field)) return digestOf(asked) === value
  // The stored value is normalised, so a request that sends just that needs no normalising.
  return asked === value || normalise(name, asked) === value
}

/**
 * Whether the stored response is what a request asks for most by one field, though the field's values differ: it states its
 * language (Content-Language, one language) and the request's Accept-Language gives exactly that language a weight greater than any
 * other range's. RFC 9111 §4.1 leaves room for this; the suite's vary-normalise-lang-select asks for it. Only Accept-Language.
 * @param name selecting field in lower case. @param requestValue the request's value of it.
 */
export function prefers(name: string, storedResponseFields: RawFields, requestValue: string | null): boolean {
  if (name !== 'accept-language' || requestValue === null) return false
  const language = fieldValue(storedResponseFields, 'content-language')?.trim().toLowerCase()
  if (language === undefined || !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(language)) return false
  const ranges = rangesOf(requestValue)
  const own = ranges.find(({ range }) => range === language)
  if (own === undefined) return false
  return own.weight > 0 && ranges.every(other => other === own || other.weight < own.weight)
}

/** The last list that was read: each variant of one lookup asks for the same. */
let lastList: { readonly value: string; readonly ranges: readonly Weighted[] } = { value: '', ranges: [] }

function rangesOf(value: string): readonly Weighted[] {
  if (value !== lastList.value) lastList = { value, ranges: parseWeighted(value) ?? [] }
  return lastList.ranges
}

/** Like {@link selects}, but a field whose values differ may be made up for by {@link prefers}. Exact matches should be tried first. */
export function selectsByPreference(
  stored: readonly SelectingField[],
  storedResponseFields: RawFields,
  get: GetField,
): boolean {
  for (const field of stored)
    if (!agrees(field, get) && !prefers(field.name, storedResponseFields, get(field.name))) return false
  return true
}

/**
 * Name of a variant under its primary key: '' for a response without selecting fields, else SHA-256, base64url, 43 characters, over
 * length-prefixed parts, so that no two sets of fields run into one another.
 */
export function variantId(selecting: readonly SelectingField[]): string {
  if (selecting.length === 0) return ''
  let text = ''
  for (const { name, value } of selecting) {
    text += `${name.length}:${name}${value === null ? '-' : `${value.length}:${value}`}`
  }
  return hash('sha256', text, 'base64url')
}

/** Drops whitespace round commas outside quoted strings, and at both ends. After an unclosed quote nothing is touched. */
function withoutListSpace(value: string): string {
  const text = trimSpace(value)
  if (!text.includes(',')) return text
  let out = ''
  let start = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) quoted = !quoted
    else if (c === 0x5c && quoted) i++
    else if (c === 0x2c && !quoted) {
      out += `${trimSpace(text.slice(start, i))},`
      start = i + 1
    }
  }
  return out + trimSpace(text.slice(start))
}

/** Without spaces and tabs at both ends; `trim` would take off more than a field's optional whitespace (RFC 9110 §5.6.3). */
function trimSpace(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isSpace(text.charCodeAt(from))) from++
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x09
}
