/** One element of a weighted list such as Accept-Language (RFC 9110 §12.4.2). */
export interface Weighted {
  /** The range in canonical form, without its weight. */
  readonly range: string
  /** Weight in thousandths, 0 to 1000. */
  readonly weight: number
}

const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/
/** Languages, codings, charsets, wildcards, and `type/subtype`. */
const RANGE = /^[!#$%&'*+\-.^_`|~0-9a-z]+(?:\/[!#$%&'*+\-.^_`|~0-9a-z]+)?$/
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i

/**
 * Reads a weighted list: ranges in lower case, weights apart, other parameters (of a media type) in lower-case names and in their
 * order. Empty elements are skipped.
 * @returns undefined when any element is malformed: then nobody can tell what it means.
 */
export function parseWeighted(value: string): Weighted[] | undefined {
  if (value.includes('"')) return undefined // quoted media type parameters: rare, and not worth a second grammar
  const list: Weighted[] = []
  for (const element of value.split(',')) {
    const text = element.trim()
    if (text === '') continue
    const weighted = weightedOf(text.split(';'))
    if (weighted === undefined) return undefined
    list.push(weighted)
  }
  return list
}

function weightedOf([first, ...parameters]: string[]): Weighted | undefined {
  let range = first!.trim().toLowerCase()
  if (!RANGE.test(range)) return undefined
  let weight: number | undefined
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=')
    const name = parameter.slice(0, equals).trim().toLowerCase()
    const value = parameter.slice(equals + 1).trim()
    if (equals === -1 || !TOKEN.test(name) || !TOKEN.test(value) || weight !== undefined) return undefined
    if (name !== 'q') range += `;${name}=${value}`
    else if (QVALUE.test(value)) weight = Math.round(Number(value) * 1000)
    else return undefined
  }
  return { range, weight: weight ?? 1000 }
}

/** Canonical form: equal for lists that mean the same, whatever their order, case, spaces, and spelling of weights. */
export function formatWeighted(list: readonly Weighted[]): string {
  const parts = list.map(({ range, weight }) => (weight === 1000 ? range : `${range};q=${weight / 1000}`))
  return [...new Set(parts)].sort().join(',')
}
