import type { Pass } from '../sweep/pass.js'
import type { Job } from './job.js'
import { isOver } from './job-list.js'

/** What becomes of a job by what happens to it. Each gives undefined where nothing is to change. */

const LONGEST_ERROR = 500

/** Taken by a node, to be begun or gone on with. @param now ms since the epoch */
export function begun(job: Job, node: string, now: number): Job {
  return {
    ...job,
    state: 'running',
    node,
    startedAt: job.startedAt ?? now,
    beat: job.beat + 1,
    resumed: job.resumed + (job.startedAt === undefined ? 0 : 1),
  }
}

/** An operator ends it: one that runs is told so by its node. @param now ms since the epoch */
export function cancelled(job: Job, now: number): Job | undefined {
  if (isOver(job)) return undefined
  return job.state === 'running' ? { ...job, cancelling: true } : { ...job, state: 'cancelled', endedAt: now }
}

/** An operator stops it for a while. */
export function paused(job: Job): Job | undefined {
  if (isOver(job) || job.state === 'paused') return undefined
  return job.state === 'queued' ? { ...job, state: 'paused' } : { ...job, pausing: true }
}

/** An operator lets it go on: one that was paused, or a warmer that has failed. */
export function resumed(job: Job, node: string): Job | undefined {
  const { state, kind } = job
  if (state !== 'paused' && !(state === 'failed' && kind === 'warm')) return undefined
  const { endedAt: _ended, error: _error, pausing: _pausing, ...rest } = job
  return { ...rest, state: 'queued', node, beat: job.beat + 1, cancelling: false }
}

/** Could not even be begun. @param now ms since the epoch */
export function failed(job: Job, error: string, now: number): Job {
  return { ...job, state: 'failed', endedAt: now, error: error.slice(0, LONGEST_ERROR) }
}

/** With what its pass has done so far. */
export function progressed(job: Job, pass: Pass): Job {
  const { step, examined, removed, bodies, bytes, rebuilt, total, place, warm } = pass
  return {
    ...job,
    ...{ step, examined, removed, bodies, bytes },
    ...(rebuilt === undefined ? {} : { rebuilt }),
    ...(total === undefined ? {} : { total }),
    ...(place === undefined ? {} : { place }),
    ...(warm === undefined ? {} : { warm: { ...warm } }),
  }
}

/** Where its pass has come to an end. @param now ms since the epoch @param closes the node that ran it closes */
export function outcome(job: Job, pass: Pass, { now, closes }: { now: number; closes: boolean }): Job {
  const state = pass.state === 'running' ? 'failed' : pass.state
  const { place, ...told } = progressed(job, pass)
  const kept = place === undefined ? told : { ...told, place }
  if (state === 'cancelled' && job.pausing === true && !job.cancelling) {
    const { pausing: _pausing, ...rest } = kept
    return { ...rest, state: 'paused' }
  }
  // A node that closes leaves it to the next.
  if (state === 'cancelled' && closes && !job.cancelling) return { ...kept, state: 'queued' }
  const error = pass.error === undefined ? {} : { error: pass.error.slice(0, LONGEST_ERROR) }
  return { ...told, state, endedAt: pass.endedAt ?? now, ...error }
}
