/** One URL that is to be warm. */
export interface WarmItem {
  /** What it is called in the list of failures: `12/2200/1343`, or the URL itself. */
  readonly name: string
  /** Path and query, or with scheme and authority in front; undefined when there is nothing to ask for. */
  readonly url: string | undefined
  /** That the origin has none (404, 410) is an answer, too. */
  readonly mayBeAbsent: boolean
}

/** What is to be warmed, in an order that is always the same; made one by one, never held whole. */
export interface WarmSource {
  readonly total: number
  /** Those behind the first `done`, of which `after` is the last. */
  from(done: number, after: string): Iterator<WarmItem>
  /** One of them by its name. */
  named(name: string): WarmItem | undefined
}
