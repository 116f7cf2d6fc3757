import { parseCacheControl, type CacheControl } from './cache-control.js'
import { fieldLines, type RawFields } from './fields.js'

/**
 * Reads Surrogate-Control (W3C Note "Edge Architecture", 2001): Cache-Control's syntax, where `;name` after a directive aims it at
 * one surrogate. A directive that is aimed at us replaces the untargeted one of its name; one for another surrogate is dropped.
 * `max-age=600+60` (freshness + staleness) keeps its first number.
 * @param device the name under which this cache announces itself in Surrogate-Capability.
 * @returns undefined when the field is absent or nothing in it concerns this cache.
 */
export function parseSurrogateControl(fields: RawFields, device: string): CacheControl | undefined {
  const untargeted: string[] = []
  const targeted: string[] = []
  for (const line of fieldLines(fields, 'surrogate-control')) {
    for (const element of splitOutsideQuotes(line, ',')) {
      const [directive, ...targets] = splitOutsideQuotes(element, ';')
      const text = directive!.trim().replace(/^(max-age=\d+)\+\d+$/i, '$1')
      if (text === '') continue
      if (targets.length === 0) untargeted.push(text)
      else if (targets.some(target => target.trim() === device)) targeted.push(text)
    }
  }
  // Of duplicates the first counts, so what is aimed at us goes first.
  const lines = [...targeted, ...untargeted]
  return lines.length === 0 ? undefined : parseCacheControl(lines)
}

function splitOutsideQuotes(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '"') quoted = !quoted
    else if (c === '\\' && quoted) i++
    else if (c === separator && !quoted) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}
