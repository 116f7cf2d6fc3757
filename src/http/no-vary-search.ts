import { fieldValue, type RawFields } from './fields.js'
import { parseStructuredDictionary, type Member } from './structured-field-dictionary.js'

/** Longest field that is read, characters, and most names in one list: with more, the whole query matters. */
const MAX_LENGTH = 2048
const MAX_NAMES = 64

/** Which parts of the query do not matter for a response (No-Vary-Search, IETF draft-ietf-httpbis-no-vary-search). */
export interface NoVarySearch {
  /** Parameters that do not matter; true: none matters but {@link except}. Names are decoded as in a form (`+`, `%xx`). */
  readonly params: true | readonly string[]
  /** Parameters that matter though `params` is true. */
  readonly except: readonly string[]
  /** The order of parameters does not matter. */
  readonly ignoreOrder: boolean
}

/**
 * Reads No-Vary-Search. Strict as the draft has it: whatever is not understood means that the whole query matters; keys that are not
 * known are ignored. One that is too long is not read.
 * @returns undefined when the whole query matters (field absent, invalid, or saying so).
 */
export function parseNoVarySearch(fields: RawFields): NoVarySearch | undefined {
  const value = fieldValue(fields, 'no-vary-search')
  const isRead = value !== undefined && value.length <= MAX_LENGTH
  const members = isRead ? parseStructuredDictionary(value) : undefined
  if (members === undefined) return undefined
  const keyOrder = members.get('key-order')
  if (keyOrder !== undefined && keyOrder.type !== 'boolean') return undefined
  const ignoreOrder = keyOrder?.value === true
  const params = paramsOf(members.get('params'))
  const excepted = members.get('except')
  if (params === undefined || (excepted !== undefined && params !== true)) return undefined
  const except = excepted === undefined ? [] : keysOf(excepted)
  if (except === undefined) return undefined
  if (!ignoreOrder && params !== true && params.length === 0) return undefined
  return { params, except, ignoreOrder }
}

function paramsOf(member: Member | undefined): true | readonly string[] | undefined {
  if (member === undefined) return []
  if (member.type === 'boolean') return member.value ? true : []
  return keysOf(member)
}

/** The decoded strings of an inner list; undefined when it is none or holds anything else. */
function keysOf(member: Member): readonly string[] | undefined {
  if (member.type !== 'list' || member.items.length > MAX_NAMES) return undefined
  const keys: string[] = []
  for (const item of member.items) {
    if (item.type !== 'string') return undefined
    keys.push(decodeForm(item.value))
  }
  return keys
}

/**
 * A name or value of a query as forms have it (and the draft's "parse a key"): plus is a space, percent-decoding, then UTF-8 with
 * replacement. Each character of `text` is a byte.
 */
export function decodeForm(text: string): string {
  const bytes: number[] = []
  for (let i = 0; i < text.length; i++) {
    const hex = text[i] === '%' ? /^[0-9a-f]{2}$/i.exec(text.slice(i + 1, i + 3)) : null
    if (hex === null) {
      bytes.push(text[i] === '+' ? 0x20 : text.charCodeAt(i))
    } else {
      bytes.push(parseInt(hex[0], 16))
      i += 2
    }
  }
  return UTF8.decode(Uint8Array.from(bytes))
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true })
