/**
 * Where the nodes of a namespace keep the list of background jobs: one text, changed by compare-and-set. What it says is the
 * engine's matter. Rejects with StrataError STRATA_STORE_UNAVAILABLE when the backend fails.
 */
export interface JobStore {
  readonly name: string
  /** The text; '' when there is none (yet, or any more). */
  read(): Promise<string>
  /**
   * Puts `after` in the place of `before`, in one atomic step. False when the text is another one by now: nothing is changed. One
   * that timed out may still land: it does no harm, for it changes only what its author had seen.
   */
  swap(before: string, after: string): Promise<boolean>
  /** What a job has to know or to say that is too long for the list, by a name of its own; '' when there is none. */
  paper(name: string): Promise<string>
  /** '' takes it away. Those that nobody takes away may go after 30 days. */
  putPaper(name: string, text: string): Promise<void>
  close(): Promise<void>
}
