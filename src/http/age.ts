import { MAX_DELTA_SECONDS } from './cache-control.js'
import { fieldLines, type RawFields } from './fields.js'

/**
 * Reads Age (RFC 9111 §5.1): the first member of the first line that has one counts, further members and lines are discarded, and
 * a value that is no non-negative integer (`abc`, `-1`, `1.0`, `60;a=b`) is ignored.
 * @returns seconds, at most 2^31 (RFC 9111 §1.2.2); undefined when the field is absent or invalid.
 */
export function parseAge(fields: RawFields): number | undefined {
  for (const line of fieldLines(fields, 'age')) {
    for (const member of line.split(',')) {
      const text = member.trim()
      if (text === '') continue // an empty list element is none (RFC 9110 §5.6.1.2)
      return /^\d+$/.test(text) ? Math.min(Number(text), MAX_DELTA_SECONDS) : undefined
    }
  }
  return undefined
}
