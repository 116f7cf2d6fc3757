import { isStrataError } from '../../errors.js'
import type { JobView } from './job.js'
import type { Jobs } from './jobs.js'

/** What an operator asks of jobs. */
export type JobBook = Pick<Jobs, 'list' | 'get' | 'cancel' | 'pause' | 'resume'>

/** Jobs of several lists as one. Each list does one at a time: a job of warming takes hours, and sweeps must not wait for it. */
export class JobLanes implements JobBook {
  constructor(private readonly lanes: readonly JobBook[]) {}

  async list(): Promise<JobView[]> {
    const lists = await Promise.all(this.lanes.map(lane => lane.list()))
    return lists.flat().sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
  }

  get(id: string): Promise<JobView> {
    return this.#first(lane => lane.get(id))
  }

  cancel(id: string): Promise<JobView> {
    return this.#first(lane => lane.cancel(id))
  }

  pause(id: string): Promise<JobView> {
    return this.#first(lane => lane.pause(id))
  }

  resume(id: string): Promise<JobView> {
    return this.#first(lane => lane.resume(id))
  }

  /** By the list that knows the job. */
  async #first(ask: (lane: JobBook) => Promise<JobView>): Promise<JobView> {
    for (const [i, lane] of this.lanes.entries()) {
      try {
        return await ask(lane)
      } catch (error) {
        if (!isStrataError(error, 'STRATA_NOT_FOUND') || i === this.lanes.length - 1) throw error
      }
    }
    throw new RangeError('there is no list of jobs')
  }
}
