/** What an operator's rule says about freshness; seconds. */
export interface PolicyRule {
  readonly ttl?: number
  readonly overrideTtl?: number
  /** Keys `404` or `4xx`. */
  readonly statusTtl?: Readonly<Record<string, number>>
  readonly staleWhileRevalidate?: number
  readonly staleIfError?: number
  readonly targetedFields: readonly string[]
  readonly heuristicFraction: number
  readonly heuristicMax: number
}
