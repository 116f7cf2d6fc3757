import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { isStrataError } from '../../errors.js'
import { decodeEntry, encodeEntry, type BodyRef, type Entry } from '../ports/index.js'

const FORMAT = '1'
/** What S3 takes as user metadata, with room for the name. */
const LONGEST = 1900
const LONGEST_ENTRY = 65_536
const KEY = /^[A-Za-z0-9_-]{43}$/
const VARIANT = /^[A-Za-z0-9_-]{0,43}$/

/**
 * An entry as a note beside its body: format, key, variant, and the compressed entry in base64url. Undefined when it is too long for one:
 * then it can't be made again from its body.
 * @param body what is known of it when the write begins: of a large one its id alone
 */
export function encodeNote(entry: Omit<Entry, 'body'>, body: BodyRef): string | undefined {
  const packed = deflateRawSync(encodeEntry({ ...entry, body })).toString('base64url')
  const note = `${FORMAT}.${entry.key}.${entry.variant}.${packed}`
  return note.length > LONGEST ? undefined : note
}

/** Undefined for anything that is not such a note, every value checked (P10). */
export function decodeNote(note: string): Entry | undefined {
  const [format, key = '', variant = '', packed = '', ...rest] = note.split('.')
  if (format !== FORMAT || !KEY.test(key) || !VARIANT.test(variant) || rest.length > 0) return undefined
  try {
    const bytes = inflateRawSync(Buffer.from(packed, 'base64url'), { maxOutputLength: LONGEST_ENTRY })
    return decodeEntry(key, variant, bytes)
  } catch (error) {
    if (isStrataError(error, 'STRATA_DECODE') || isZlibError(error)) return undefined
    throw error
  }
}

function isZlibError(error: unknown): boolean {
  const code = String((error as { code?: unknown } | null)?.code)
  return code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE'
}
