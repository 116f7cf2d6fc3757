import { isTally } from '../warm/tally.js'
import type { Job, JobList } from './job.js'

const FORMAT = 1
const MAX_TEXT = 256 * 1024
const STATES = ['queued', 'running', 'paused', 'done', 'incomplete', 'failed', 'cancelled']
const COUNTS = ['createdAt', 'examined', 'removed', 'bodies', 'bytes', 'beat', 'resumed'] as const
const OPTIONAL = ['startedAt', 'endedAt', 'total', 'rebuilt'] as const
const TEXTS = ['id', 'kind', 'cause', 'node'] as const

export function encodeJobs({ jobs, swept }: JobList): string {
  return JSON.stringify({ v: FORMAT, jobs, ...(swept === undefined ? {} : { swept }) })
}

/** Text of the store → jobs, every value checked (P10): what this version cannot read is as if absent. */
export function decodeJobs(text: string): JobList {
  if (text === '' || text.length > MAX_TEXT) return { jobs: [] }
  let row: unknown
  try {
    row = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return { jobs: [] }
    throw error
  }
  if (!isRecord(row) || row.v !== FORMAT || !Array.isArray(row.jobs)) return { jobs: [] }
  const jobs = row.jobs.filter(isJob)
  return isSwept(row.swept) ? { jobs, swept: row.swept } : { jobs }
}

export function isOver({ state }: Job): boolean {
  return state !== 'queued' && state !== 'running' && state !== 'paused'
}

/** The list with this job in the place of the one with its id, or at the end. */
export function withJob(jobs: readonly Job[], job: Job): readonly Job[] {
  return jobs.some(({ id }) => id === job.id)
    ? jobs.map(old => (old.id === job.id ? job : old))
    : [...jobs, job]
}

/**
 * Of the jobs that are over, the newest `limit`. Sweeps that nobody asked for and that found nothing leave no trace: there is one a
 * minute.
 */
export function trimmed(jobs: readonly Job[], limit: number): readonly Job[] {
  const kept = jobs.filter(
    job => !(job.cause === 'interval' && job.state === 'done' && job.removed + job.bodies === 0),
  )
  const over = kept.filter(isOver)
  const old = new Set(over.slice(0, Math.max(0, over.length - limit)))
  return kept.filter(job => !old.has(job))
}

function isJob(value: unknown): value is Job {
  if (!isRecord(value)) return false
  const { state, options, step, error, cancelling, pausing, place, warm } = value
  return (
    TEXTS.every(name => typeof value[name] === 'string') &&
    COUNTS.every(name => isCount(value[name])) &&
    OPTIONAL.every(name => value[name] === undefined || isCount(value[name])) &&
    STATES.includes(String(state)) &&
    isRecord(options) &&
    typeof cancelling === 'boolean' &&
    (pausing === undefined || typeof pausing === 'boolean') &&
    (warm === undefined || isTally(warm)) &&
    (step === undefined || typeof step === 'string') &&
    (error === undefined || typeof error === 'string') &&
    (place === undefined || (isSwept(place) && typeof (place as { cursor?: unknown }).cursor === 'string'))
  )
}

function isSwept(value: unknown): value is NonNullable<JobList['swept']> {
  return isRecord(value) && typeof value.epoch === 'string' && isCount(value.seq) && isCount(value.floor)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
