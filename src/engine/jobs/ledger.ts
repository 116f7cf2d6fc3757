import { StrataError } from '../../errors.js'
import type { Clock } from '../clock.js'
import type { JobStore } from '../ports/job-store.js'
import { papersOf } from '../warm/options.js'
import type { Job, JobList } from './job.js'
import { decodeJobs, encodeJobs, isOver, trimmed, withJob } from './job-list.js'
import { Liveness } from './liveness.js'

export interface LedgerParts {
  readonly store: JobStore
  readonly clock: Clock
  readonly node: string
  /** After how much silence the node behind a job counts as gone, ms. */
  readonly leaseMs: number
  /** Jobs that are over and stay in the list. */
  readonly history: number
  readonly onError: (error: unknown) => void
}

const SWAP_TRIES = 64
const MOST_UNWRITTEN = 100

/** The list of jobs that the nodes of a namespace share, and what this node has still to write into it. */
export class Ledger {
  readonly #liveness: Liveness
  /** How jobs of this node ended, until the list has it. */
  readonly #unwritten = new Map<string, Job>()

  constructor(private readonly parts: LedgerParts) {
    this.#liveness = new Liveness(parts.leaseMs)
  }

  /** With what is still to be written. @throws StrataError STRATA_STORE_UNAVAILABLE */
  async read(): Promise<readonly Job[]> {
    let { jobs } = decodeJobs(await this.parts.store.read())
    for (const job of this.#unwritten.values()) jobs = withJob(jobs, job)
    return jobs
  }

  /** To be written with the next change. */
  note(job: Job): void {
    this.#unwritten.set(job.id, job)
  }

  /** The same, unless the list could not be written for so long that there are too many. */
  noteIfRoom(job: Job): void {
    if (this.#unwritten.size < MOST_UNWRITTEN) this.note(job)
  }

  /** The node behind the job has not moved for the whole lease. */
  isStill(job: Job): boolean {
    return this.#liveness.isStill(job, this.parts.clock.monotonic())
  }

  /**
   * Changes the list by what `step` makes of it (undefined: nothing to change), against whoever changes it as well.
   * @throws StrataError STRATA_STORE_UNAVAILABLE
   */
  async change(step: (list: JobList) => JobList | undefined): Promise<JobList> {
    const { store, clock, history } = this.parts
    for (let tries = 1; ; tries++) {
      const before = await store.read()
      const list = decodeJobs(before)
      this.#liveness.observe(list.jobs, clock.monotonic())
      const written = new Map(this.#unwritten)
      let { jobs } = list
      for (const job of written.values()) if (this.#isStillOurs(job, jobs)) jobs = withJob(jobs, job)
      const changed = step({ ...list, jobs }) ?? (written.size > 0 ? { ...list, jobs } : undefined)
      if (changed === undefined) return list
      const after = { ...changed, jobs: trimmed(changed.jobs, history) }
      if (await store.swap(before, encodeJobs(after))) {
        for (const id of written.keys()) this.#unwritten.delete(id)
        this.#forget(changed.jobs, after.jobs)
        return changed
      }
      if (tries === SWAP_TRIES)
        throw new StrataError('STRATA_STORE_UNAVAILABLE', 'the list of jobs is changed by too many at once')
    }
  }

  /** Another node may have gone on with it, or an operator may have ended it. */
  #isStillOurs({ id }: Job, jobs: readonly Job[]): boolean {
    const known = jobs.find(job => job.id === id)
    return known === undefined || (known.node === this.parts.node && !isOver(known))
  }

  /** What has left the list leaves no papers. */
  #forget(before: readonly Job[], after: readonly Job[]): void {
    if (before.length === after.length) return
    const { store, onError } = this.parts
    for (const { id, options } of before) {
      const { warm } = options
      if (warm === undefined || after.some(job => job.id === id)) continue
      for (const name of papersOf(warm)) store.putPaper(name, '').catch(onError)
    }
  }
}
