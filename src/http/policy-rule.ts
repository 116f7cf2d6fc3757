/** What an operator's rule says about freshness; seconds. */
export interface PolicyRule {
  readonly ttl?: number
  readonly overrideTtl?: number
  /** Keys `404` or `4xx`. */
  readonly statusTtl?: Readonly<Record<string, number>>
  readonly staleWhileRevalidate?: number
  readonly staleIfError?: number
  /** The windows stand in a rule for just these paths: then they hold beside s-maxage too, which forbids them else (RFC 9111 §5.2.2.10). */
  readonly besideSharedMaxAge: boolean
  readonly targetedFields: readonly string[]
  /** Surrogate-Control counts, before the targeted fields, for the surrogate of this name. */
  readonly surrogateDevice?: string
  readonly heuristicFraction: number
  readonly heuristicMax: number
  /** Statuses that may be stored without saying how long they are fresh. */
  readonly isImplicit: (status: number) => boolean
}
