import { viewOfJob, type JobKind, type JobOptions, type JobView } from '../jobs/job.js'
import { available } from './available.js'
import { WAIT_MS } from './invalidation.js'
import type { OperatorParts } from './parts.js'

/** Asks for a job, waits for it a bounded time, and says how far it is. @throws StrataError STRATA_STORE_UNAVAILABLE */
export async function askJob(
  { jobs, jobBook = jobs, timers, waitMs = WAIT_MS }: OperatorParts,
  kind: JobKind,
  options: JobOptions,
): Promise<JobView> {
  const { id, ended } = jobs.request(kind, 'asked', options)
  let cancel: (() => void) | undefined
  const late = new Promise<undefined>(resolve => {
    cancel = timers.after(waitMs, () => resolve(undefined))
  })
  const job = await Promise.race([ended, late])
  cancel?.()
  return job === undefined ? available(jobBook.get(id)) : viewOfJob(job)
}
