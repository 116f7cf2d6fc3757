import { hash } from 'node:crypto'

/**
 * Primary key (P4): SHA-256, base64url, of what the origin would receive. Each part is preceded by its length, so that no two
 * lists of parts give the same bytes.
 */
export function primaryKey(parts: readonly string[]): string {
  return hash('sha256', keyText(parts), 'base64url')
}

/** The text that is hashed; also a map key that needs no hash. */
export function keyText(parts: readonly string[]): string {
  let text = ''
  for (const part of parts) text += `${part.length}:${part}`
  return text
}

/** How a rule lets the query take part. The predicates take a parameter's name as it stands in the URL. */
export interface QueryRule {
  readonly ignores?: (name: string) => boolean
  readonly allows?: (name: string) => boolean
  readonly sort?: boolean
}

/**
 * The query that the origin receives and that the key holds: parameters dropped and sorted as the rule says; nothing is
 * decoded, repeated parameters stay apart and in order. `query` without its `?`.
 */
export function effectiveQuery(query: string, rule: QueryRule): string {
  let params = query.split('&')
  if (rule.ignores !== undefined || rule.allows !== undefined) {
    params = params.filter(param => {
      const name = nameOf(param)
      return !rule.ignores?.(name) && (rule.allows?.(name) ?? true)
    })
  }
  // Array.sort is stable: parameters of one name keep their order.
  if (rule.sort === true) params.sort((a, b) => compare(nameOf(a), nameOf(b)))
  return params.join('&')
}

function nameOf(param: string): string {
  const equals = param.indexOf('=')
  return equals === -1 ? param : param.slice(0, equals)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
