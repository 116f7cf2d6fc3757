import { randomBytes } from 'node:crypto'
import { StrataError } from '../../errors.js'
import type { Job, JobCause, JobKind, JobOptions } from './job.js'
import { isOver } from './job-list.js'

/** A job that was asked for here and has not begun. */
export interface Wanted {
  job: Job
  readonly ended: Promise<Job>
  readonly end: (job: Job) => void
}

const MOST_WAITING = 32

/** The jobs that were asked for on this node and have not begun. */
export class WaitingJobs {
  readonly #wanted: Wanted[] = []

  constructor(private readonly node: string) {}

  get size(): number {
    return this.#wanted.length
  }

  has(id: string): boolean {
    return this.#wanted.some(({ job }) => job.id === id)
  }

  /**
   * One for these options: who asks while one waits shares it.
   * @param now ms since the epoch
   * @throws StrataError STRATA_BAD_REQUEST when too many wait.
   */
  ask(kind: JobKind, cause: JobCause, options: JobOptions, now: number): Wanted {
    const same = this.#wanted.find(
      ({ job }) => job.kind === kind && JSON.stringify(job.options) === JSON.stringify(options),
    )
    if (same === undefined) return this.#fresh(kind, cause, options, now)
    if (same.job.cause === 'interval') same.job = { ...same.job, cause }
    return same
  }

  add(job: Job): Wanted {
    let end!: (job: Job) => void
    const ended = new Promise<Job>(resolve => {
      end = resolve
    })
    const wanted = { job, ended, end }
    this.#wanted.push(wanted)
    return wanted
  }

  takeOut(id: string): Wanted | undefined {
    const i = this.#wanted.findIndex(({ job }) => job.id === id)
    return i === -1 ? undefined : this.#wanted.splice(i, 1)[0]
  }

  takeAll(): readonly Wanted[] {
    return this.#wanted.splice(0)
  }

  /** The list with those of them that it does not have: the same list, if it has them all. */
  over(jobs: readonly Job[]): readonly Job[] {
    return this.#wanted.reduce(withOwn, jobs)
  }

  /** What was asked for here, and was done or cancelled by another node. */
  endElsewhere(jobs: readonly Job[]): void {
    for (const { job, end } of [...this.#wanted]) {
      const over = jobs.find(other => other.id === job.id && isOver(other))
      if (over === undefined) continue
      this.takeOut(job.id)
      end(over)
    }
  }

  #fresh(kind: JobKind, cause: JobCause, options: JobOptions, now: number): Wanted {
    if (this.#wanted.length >= MOST_WAITING)
      throw new StrataError(
        'STRATA_BAD_REQUEST',
        `${MOST_WAITING} jobs wait already: try again when one is done`,
      )
    const id = randomBytes(9).toString('base64url')
    return this.add({
      ...{ id, kind, cause, state: 'queued', options, node: this.node, createdAt: now },
      ...{ examined: 0, removed: 0, bodies: 0, bytes: 0, beat: 0, resumed: 0, cancelling: false },
    })
  }
}

export function withOwn(jobs: readonly Job[], wanted: Wanted | undefined): readonly Job[] {
  return wanted === undefined || jobs.some(({ id }) => id === wanted.job.id) ? jobs : [...jobs, wanted.job]
}
