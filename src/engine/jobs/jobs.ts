import { randomBytes } from 'node:crypto'
import { messageOf, StrataError } from '../../errors.js'
import type { Clock } from '../clock.js'
import type { JobStore } from '../ports/job-store.js'
import type { Timers } from '../timers.js'
import { viewOfJob, type Job, type JobCause, type JobKind } from './job.js'
import type { JobList, JobOptions, JobView } from './job.js'
import { isOver, withJob } from './job-list.js'
import { Ledger } from './ledger.js'
import { RunningJob, type JobWork, type RunningParts } from './running.js'
import { begun, cancelled, failed, outcome, paused, progressed, resumed } from './transitions.js'
import { WaitingJobs, withOwn } from './waiting.js'

export type { JobDesk, JobWork } from './running.js'

export interface JobsParts {
  readonly store: JobStore
  readonly clock: Clock
  readonly timers: Timers
  /** Part of the time that a job may work. */
  readonly pace: number
  /** The list could not be read or written. */
  readonly onError: (error: unknown) => void
  /** Name of this node; random by default. */
  readonly node?: string
  /** How often a running job says that it lives; and after how much silence another node goes on with it, ms. */
  readonly beatMs?: number
  readonly leaseMs?: number
  /** Jobs that are over and stay in the list. */
  readonly history?: number
}

export interface JobHandle {
  readonly id: string
  /** Resolves with how it ended (here, or on another node as far as this one knows). Never rejects. */
  readonly ended: Promise<Job>
}

const BEAT_MS = 2000
const LEASE_MS = 10_000
const HISTORY = 100

/**
 * Background jobs of a namespace: one at a time over all of its nodes, in a list that they share. A job whose node has fallen silent
 * is gone on with by another. Running two at once would do no harm (every step is safe to be done twice): it would only be waste.
 */
export class Jobs {
  readonly #node: string
  readonly #leaseMs: number
  readonly #works = new Map<JobKind, JobWork>()
  readonly #ledger: Ledger
  readonly #waiting: WaitingJobs
  readonly #runningParts: RunningParts
  #running: RunningJob | undefined
  #turning: Promise<void> | undefined
  #turnAgain = false
  #cancelLook: (() => void) | undefined
  #started = false
  #stopped = false

  constructor(private readonly parts: JobsParts) {
    const { node = randomBytes(6).toString('hex'), leaseMs = LEASE_MS, history = HISTORY } = parts
    this.#node = node
    this.#leaseMs = leaseMs
    this.#ledger = new Ledger({ ...parts, node, leaseMs, history })
    this.#waiting = new WaitingJobs(node)
    this.#runningParts = { ...parts, node, ledger: this.#ledger, beatMs: parts.beatMs ?? BEAT_MS }
  }

  /** Says how jobs of a kind are done; this node takes only those it knows. */
  register(kind: JobKind, work: JobWork): void {
    this.#works.set(kind, work)
  }

  /** From now on this node looks after jobs of others as well. */
  start(): void {
    this.#started = true
    this.#look()
  }

  /** Stops what runs, for another node to go on with, and begins nothing any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelLook?.()
    this.#running?.pass.cancel()
    while (this.#turning !== undefined) await this.#turning
  }

  /**
   * Asks for a job that begins after this call; who asks while one waits to begin shares it.
   * @throws StrataError STRATA_BAD_REQUEST when too many wait.
   */
  request(kind: JobKind, cause: JobCause, options: JobOptions = {}): JobHandle {
    const { job, ended } = this.#waiting.ask(kind, cause, options, this.parts.clock.now())
    this.#turn()
    return { id: job.id, ended }
  }

  /** All jobs that are known, the newest first. @throws StrataError STRATA_STORE_UNAVAILABLE */
  async list(): Promise<JobView[]> {
    let jobs = this.#waiting.over(await this.#ledger.read())
    if (this.#running !== undefined) jobs = withJob(jobs, progressed(this.#running.job, this.#running.pass))
    return [...jobs].reverse().map(viewOfJob)
  }

  /** @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE */
  async get(id: string): Promise<JobView> {
    const job = (await this.list()).find(other => other.id === id)
    if (job === undefined) throw unknownJob(id)
    return job
  }

  /** Stops a job after its current batch, wherever it runs. @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE */
  async cancel(id: string): Promise<JobView> {
    const now = this.parts.clock.now()
    await this.#halt(id, job => cancelled(job, now))
    if (this.#running?.job.id === id) this.#running.halt({ cancelling: true })
    return this.get(id)
  }

  /**
   * Stops a job for a while, wherever it runs: it keeps its place.
   * @throws StrataError STRATA_NOT_FOUND, STRATA_BAD_REQUEST when it is over, STRATA_STORE_UNAVAILABLE
   */
  async pause(id: string): Promise<JobView> {
    const job = await this.#halt(id, paused)
    if (isOver(job)) throw new StrataError('STRATA_BAD_REQUEST', `the job is over: it is ${job.state}`)
    if (this.#running?.job.id === id) this.#running.halt({ pausing: true })
    return this.get(id)
  }

  /**
   * Goes on with a job that was paused or has failed, from its place, here if this node can do it.
   * @throws StrataError STRATA_NOT_FOUND, STRATA_BAD_REQUEST when it is neither, STRATA_STORE_UNAVAILABLE
   */
  async resume(id: string): Promise<JobView> {
    const job = await this.#alter(id, undefined, job => resumed(job, this.#node))
    if (job.state !== 'queued')
      throw new StrataError(
        'STRATA_BAD_REQUEST',
        `only a job that is paused or has failed can go on: it is ${job.state}`,
      )
    if (this.#works.has(job.kind) && !this.#waiting.has(id)) this.#waiting.add(job)
    this.#turn()
    return this.get(id)
  }

  /** Changes a job that is not to begin here any more, if it waits to. */
  async #halt(id: string, next: (job: Job) => Job | undefined): Promise<Job> {
    const removed = this.#waiting.takeOut(id)
    const job = await this.#alter(id, removed, next)
    removed?.end(job)
    return job
  }

  /** @param own the same job as this node has it, which the list may not have yet */
  async #alter(
    id: string,
    own: Parameters<typeof withOwn>[1],
    next: (job: Job) => Job | undefined,
  ): Promise<Job> {
    const list = await this.#ledger.change(({ jobs, swept }) => {
      const job = withOwn(jobs, own).find(other => other.id === id)
      const changed = job === undefined ? undefined : next(job)
      return changed === undefined ? undefined : { jobs: withJob(jobs, changed), swept }
    })
    const job = list.jobs.find(other => other.id === id)
    if (job === undefined) throw unknownJob(id)
    return job
  }

  #turn(): void {
    if (this.#stopped) return
    if (this.#turning !== undefined) {
      this.#turnAgain = true
      return
    }
    this.#turning = this.#turns().finally(() => {
      this.#turning = undefined
      // Somebody may have asked after the last turn had looked.
      if (this.#turnAgain) this.#turn()
      else this.#look()
    })
  }

  async #turns(): Promise<void> {
    do {
      this.#turnAgain = false
      try {
        const taken = await this.#take()
        if (taken !== undefined) {
          await this.#run(taken)
          this.#turnAgain = true
        }
      } catch (error) {
        this.parts.onError(error)
        this.#giveUp(error)
      }
    } while (this.#turnAgain && !this.#stopped)
  }

  async #take(): Promise<{ job: Job; swept: JobList['swept'] } | undefined> {
    let taken: Job | undefined
    const list = await this.#ledger.change(({ jobs, swept }) => {
      const all = this.#waiting.over(jobs)
      const next = this.#next(jobs, all)
      taken = next === undefined ? undefined : begun(next, this.#node, this.parts.clock.now())
      if (taken === undefined) return all === jobs ? undefined : { jobs: all, swept }
      return { jobs: withJob(all, taken), swept }
    })
    this.#waiting.endElsewhere(list.jobs)
    return taken === undefined ? undefined : { job: taken, swept: list.swept }
  }

  /**
   * One that this node may do now: what a silent node has left, else its own, else what a silent node had asked for.
   * @param jobs as the list has them @param all with those that wait here
   */
  #next(jobs: readonly Job[], all: readonly Job[]): Job | undefined {
    const isLeft = (job: Job) => this.#started && this.#ledger.isStill(job)
    const running = jobs.filter(({ state, node }) => state === 'running' && node !== this.#node)
    if (!running.every(job => this.#ledger.isStill(job))) return undefined
    return (
      running.find(job => this.#started && this.#works.has(job.kind)) ??
      all.find(
        job =>
          job.state === 'queued' && this.#works.has(job.kind) && (this.#waiting.has(job.id) || isLeft(job)),
      )
    )
  }

  async #run(taken: { job: Job; swept: JobList['swept'] }): Promise<void> {
    const wanted = this.#waiting.takeOut(taken.job.id)
    const running = new RunningJob(taken, this.#runningParts)
    const { pass } = running
    this.#running = running
    if (this.#stopped) pass.cancel()
    await running.run(this.#works.get(taken.job.kind)!)
    this.#running = undefined
    const ended = outcome(running.job, pass, { now: this.parts.clock.now(), closes: this.#stopped })
    wanted?.end(ended)
    this.#ledger.note(ended)
    await this.#ledger.change(({ jobs, swept }) => ({ jobs, swept: pass.swept ?? swept }))
  }

  /** The list can't be had: what waits here is not done. The next one that is asked for tries again. */
  #giveUp(error: unknown): void {
    const now = this.parts.clock.now()
    for (const { job, end } of this.#waiting.takeAll()) {
      const ended = failed(job, messageOf(error), now)
      this.#ledger.noteIfRoom(ended)
      end(ended)
    }
  }

  #look(): void {
    if (this.#stopped || !(this.#started || this.#waiting.size > 0)) return
    this.#cancelLook?.()
    // Somebody waits: as soon as the other job may be over.
    const wait = this.#waiting.size > 0 ? this.#leaseMs / 40 : this.#leaseMs / 2
    this.#cancelLook = this.parts.timers.after(wait, () => this.#turn())
  }
}

function unknownJob(id: string): StrataError {
  return new StrataError('STRATA_NOT_FOUND', `there is no job ${JSON.stringify(id.slice(0, 64))}`)
}
