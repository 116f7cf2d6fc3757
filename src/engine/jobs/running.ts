import type { Clock } from '../clock.js'
import { Pass } from '../sweep/pass.js'
import type { Timers } from '../timers.js'
import type { Job, JobList, JobOptions } from './job.js'
import { withJob } from './job-list.js'
import type { Ledger } from './ledger.js'
import { progressed } from './transitions.js'

/** What a job's work can ask of the list. */
export interface JobDesk {
  /** Writes down how far it is, now: another node would go on from there. @throws StrataError STRATA_STORE_UNAVAILABLE */
  save(): Promise<void>
}

/** Does the job with the pass's counters, to the pass's end. Never rejects. */
export type JobWork = (pass: Pass, options: JobOptions, desk: JobDesk) => Promise<void>

export interface RunningParts {
  readonly ledger: Ledger
  readonly node: string
  readonly clock: Clock
  readonly timers: Timers
  readonly pace: number
  readonly beatMs: number
  readonly onError: (error: unknown) => void
}

/** The job that this node does, from its place on. */
export class RunningJob {
  readonly pass: Pass
  #job: Job

  constructor(
    taken: { readonly job: Job; readonly swept: JobList['swept'] },
    private readonly parts: RunningParts,
  ) {
    this.#job = taken.job
    this.pass = passOf(taken, parts)
    this.#heed(taken.job)
  }

  get job(): Job {
    return this.#job
  }

  /** An operator of this node has ended it, or stopped it for a while. */
  halt(as: { readonly cancelling: true } | { readonly pausing: true }): void {
    this.#job = { ...this.#job, ...as }
    this.pass.cancel()
  }

  /** Saying, all the while, that it lives. Never rejects. */
  async run(work: JobWork): Promise<void> {
    const endBeats = this.#beat()
    await work(this.pass, this.#job.options, { save: () => this.#report() })
    await endBeats()
  }

  /** Says that the job lives, and hears whether it is to stop or has another node by now. Returns what ends it. */
  #beat(): () => Promise<void> {
    const { timers, beatMs, onError } = this.parts
    let beating: Promise<void> | undefined
    let over = false
    let cancel = () => {}
    const schedule = () => {
      if (!over)
        cancel = timers.after(beatMs, () => {
          beating = this.#report().catch(onError).finally(schedule)
        })
    }
    schedule()
    return async () => {
      over = true
      cancel()
      await beating
    }
  }

  async #report(): Promise<void> {
    const { ledger, node } = this.parts
    const { id } = this.#job
    const list = await ledger.change(({ jobs, swept }) => {
      const known = jobs.find(job => job.id === id)
      // A store that has lost its list gets the job back.
      if (known !== undefined && (known.node !== node || known.state !== 'running')) return undefined
      const beat = (known?.beat ?? this.#job.beat) + 1
      const cancelling = this.#job.cancelling || (known?.cancelling ?? false)
      const isPausing = this.#job.pausing === true || known?.pausing === true
      const pausing = isPausing ? { pausing: true } : {}
      const now = progressed(this.#job, this.pass)
      return { jobs: withJob(jobs, { ...now, beat, cancelling, ...pausing }), swept }
    })
    const known = list.jobs.find(job => job.id === id)
    if (known === undefined) return
    this.#job = known
    if (known.node !== node || known.state !== 'running') this.pass.cancel()
    this.#heed(known)
  }

  #heed({ cancelling, pausing }: Job): void {
    if (cancelling || pausing === true) this.pass.cancel()
  }
}

function passOf(
  { job, swept }: { readonly job: Job; readonly swept: JobList['swept'] },
  { pace, clock, timers }: RunningParts,
): Pass {
  const pass = new Pass(job.startedAt!, { pace, clock, timers })
  pass.examined = job.examined
  pass.removed = job.removed
  pass.bodies = job.bodies
  pass.bytes = job.bytes
  if (job.rebuilt !== undefined) pass.rebuilt = job.rebuilt
  if (job.place !== undefined) pass.place = job.place
  if (job.warm !== undefined) pass.warm = job.warm
  if (swept !== undefined) pass.swept = swept
  return pass
}
