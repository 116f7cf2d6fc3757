/** How a job of warming goes about it: what stands in the list of jobs. */
export interface WarmOptions {
  /** Name of the paper that says what is to be warmed. */
  readonly paper: string
  /** What that is, in a few words. */
  readonly what: string
  /** Scheme and authority under which clients ask: `https://maps.example`. */
  readonly site: string
  /** Request fields that choose among variants, in small letters: `accept-encoding`. */
  readonly headers?: Readonly<Record<string, string>>
  /** What was fetched before is fetched again, ms since the epoch; 0: only what is not fresh. */
  readonly since: number
  /** Most requests at once. */
  readonly concurrency: number
  /** Most requests to the origin in a second; 0: as many as it bears. */
  readonly rate: number
  /** Most bytes from the origin in a second; 0: as many as come. */
  readonly bytesPerSecond: number
  /** Times that what has failed is tried again. */
  readonly retries: number
}

/** Names of the papers of a job: what it is to do, and what has failed. */
export function papersOf({ paper }: WarmOptions): readonly [work: string, failures: string] {
  return [paper, `${paper}-failures`]
}
