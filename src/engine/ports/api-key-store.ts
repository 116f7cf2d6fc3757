/**
 * Where the nodes of a namespace keep its API keys, as texts by their ids. What they say is the engine's matter. What one node adds
 * or removes, every other finds at its next look. Rejects with StrataError STRATA_STORE_UNAVAILABLE or STRATA_STORE_TIMEOUT when
 * the backend fails.
 */
export interface ApiKeyStore {
  readonly name: string
  /** Undefined when there is none (any more). */
  get(id: string): Promise<string | undefined>
  /** All of them, in no order. */
  list(): Promise<readonly string[]>
  /** In one atomic step; `taken` when the id is there already, `full` when `most` are there: nothing is changed then. */
  add(id: string, text: string, most: number): Promise<'added' | 'taken' | 'full'>
  /** False when it was not there. */
  remove(id: string): Promise<boolean>
  close(): Promise<void>
}
