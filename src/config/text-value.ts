import { parseDocument } from 'yaml'
import type { SettingKind } from './settings-table.js'

/** A value from text (an environment variable, a flag): `ok`, or what it must look like. */
export type TextValue = { readonly value: unknown } | { readonly fault: string }

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
}

/**
 * Text as the kind of value that a setting takes. Numbers and sizes that don't look like numbers stay text: the schema
 * judges them. Lists of text may be written with commas in place of JSON.
 */
export function fromText(text: string, kind: SettingKind): TextValue {
  switch (kind) {
    case 'text':
      return { value: text }
    case 'number':
      return { value: /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text }
    case 'boolean': {
      const value = BOOLEANS[text.trim().toLowerCase()]
      return value === undefined ? { fault: 'must be true or false' } : { value }
    }
    case 'list':
      if (!text.trimStart().startsWith('[')) return { value: splitList(text) }
      return fromJson(text, 'must be a list: "a,b" or JSON such as ["a","b"]')
    case 'json':
      return fromJson(text, 'must be JSON')
  }
}

function splitList(text: string): string[] {
  const parts = text.split(',').map(part => part.trim())
  return parts.filter(part => part !== '')
}

/** JSON is a subset of YAML, and yaml's errors carry a code in place of a piece of the text. */
function fromJson(text: string, fault: string): TextValue {
  const document = parseDocument(text, { prettyErrors: false })
  if (document.errors.length > 0) return { fault }
  return { value: document.toJS() as unknown }
}
