import type { Job } from './job.js'

/**
 * Whether the node behind a job still lives: it raises the job's beat. Judged by what this node has seen on its own monotonic clock, so
 * that clocks of several machines need not agree.
 */
export class Liveness {
  readonly #seen = new Map<string, { readonly sign: string; readonly at: number }>()

  constructor(private readonly leaseMs: number) {}

  /** To be told of every list that was read. @param now monotonic ms */
  observe(jobs: readonly Job[], now: number): void {
    const ids = new Set(jobs.map(({ id }) => id))
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id)
    for (const job of jobs) {
      const sign = `${job.state} ${job.node} ${job.beat}`
      if (this.#seen.get(job.id)?.sign !== sign) this.#seen.set(job.id, { sign, at: now })
    }
  }

  /** Nothing has moved for the whole lease. */
  isStill({ id }: Job, now: number): boolean {
    const seen = this.#seen.get(id)
    return seen !== undefined && now - seen.at >= this.leaseMs
  }
}
