import { randomBytes } from 'node:crypto'
import { messageOf, StrataError } from '../../errors.js'
import type { Clock } from '../clock.js'
import type { JobStore } from '../ports/job-store.js'
import { Pass } from '../sweep/pass.js'
import type { Timers } from '../timers.js'
import { papersOf } from '../warm/options.js'
import {
  viewOfJob,
  type Job,
  type JobCause,
  type JobKind,
  type JobList,
  type JobOptions,
  type JobView,
} from './job.js'
import { decodeJobs, encodeJobs, isOver, trimmed, withJob } from './job-list.js'
import { Liveness } from './liveness.js'

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

/** What a job's work can ask of the list. */
export interface JobDesk {
  /** Writes down how far it is, now: another node would go on from there. @throws StrataError STRATA_STORE_UNAVAILABLE */
  save(): Promise<void>
}

/** Does the job with the pass's counters, to the pass's end. Never rejects. */
export type JobWork = (pass: Pass, options: JobOptions, desk: JobDesk) => Promise<void>

export interface JobHandle {
  readonly id: string
  /** Resolves with how it ended (here, or on another node as far as this one knows). Never rejects. */
  readonly ended: Promise<Job>
}

interface Wanted {
  job: Job
  readonly ended: Promise<Job>
  readonly end: (job: Job) => void
}

const BEAT_MS = 2000
const LEASE_MS = 10_000
const HISTORY = 100
const MOST_WAITING = 32
const SWAP_TRIES = 64
const LONGEST_ERROR = 500

/**
 * Background jobs of a namespace: one at a time over all of its nodes, in a list that they share. A job whose node has fallen silent
 * is gone on with by another. Running two at once would do no harm (every step is safe to be done twice): it would only be waste.
 */
export class Jobs {
  readonly #node: string
  readonly #works = new Map<JobKind, JobWork>()
  readonly #liveness: Liveness
  /** Asked for here, and not begun. */
  readonly #wanted: Wanted[] = []
  /** How jobs of this node ended, until the list has it. */
  readonly #unwritten = new Map<string, Job>()
  #current: { job: Job; readonly pass: Pass; readonly wanted: Wanted | undefined } | undefined
  #turning: Promise<void> | undefined
  #turnAgain = false
  #cancelLook: (() => void) | undefined
  #started = false
  #stopped = false

  constructor(private readonly parts: JobsParts) {
    this.#node = parts.node ?? randomBytes(6).toString('hex')
    this.#liveness = new Liveness(parts.leaseMs ?? LEASE_MS)
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
    this.#current?.pass.cancel()
    while (this.#turning !== undefined) await this.#turning
  }

  /**
   * Asks for a job that begins after this call; who asks while one waits to begin shares it.
   * @throws StrataError STRATA_BAD_REQUEST when too many wait.
   */
  request(kind: JobKind, cause: JobCause, options: JobOptions = {}): JobHandle {
    const same = this.#wanted.find(
      ({ job }) => job.kind === kind && JSON.stringify(job.options) === JSON.stringify(options),
    )
    const wanted = same ?? this.#newWanted(kind, cause, options)
    if (same !== undefined && same.job.cause === 'interval') same.job = { ...same.job, cause }
    this.#turn()
    return { id: wanted.job.id, ended: wanted.ended }
  }

  /** All jobs that are known, the newest first. @throws StrataError STRATA_STORE_UNAVAILABLE */
  async list(): Promise<JobView[]> {
    const { jobs } = decodeJobs(await this.parts.store.read())
    return [...this.#overlaid(jobs)].reverse().map(viewOfJob)
  }

  /** @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE */
  async get(id: string): Promise<JobView> {
    const job = (await this.list()).find(other => other.id === id)
    if (job === undefined) throw unknownJob(id)
    return job
  }

  /** Stops a job after its current batch, wherever it runs. @throws StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE */
  async cancel(id: string): Promise<JobView> {
    const waiting = this.#wanted.findIndex(({ job }) => job.id === id)
    const [removed] = waiting === -1 ? [] : this.#wanted.splice(waiting, 1)
    const now = this.parts.clock.now()
    const list = await this.#change(({ jobs, swept }) => {
      const job = withOwn(jobs, removed).find(other => other.id === id)
      if (job === undefined || isOver(job)) return undefined
      const next: Job =
        job.state === 'running' ? { ...job, cancelling: true } : { ...job, state: 'cancelled', endedAt: now }
      return { jobs: withJob(jobs, next), swept }
    })
    const job = list.jobs.find(other => other.id === id)
    if (job === undefined) throw unknownJob(id)
    removed?.end(job)
    if (this.#current?.job.id === id) {
      this.#current.job = { ...this.#current.job, cancelling: true }
      this.#current.pass.cancel()
    }
    return this.get(id)
  }

  /**
   * Stops a job for a while, wherever it runs: it keeps its place.
   * @throws StrataError STRATA_NOT_FOUND, STRATA_BAD_REQUEST when it is over, STRATA_STORE_UNAVAILABLE
   */
  async pause(id: string): Promise<JobView> {
    const waiting = this.#wanted.findIndex(({ job }) => job.id === id)
    const [removed] = waiting === -1 ? [] : this.#wanted.splice(waiting, 1)
    const list = await this.#change(({ jobs, swept }) => {
      const job = withOwn(jobs, removed).find(other => other.id === id)
      if (job === undefined || isOver(job) || job.state === 'paused') return undefined
      const next: Job = job.state === 'queued' ? { ...job, state: 'paused' } : { ...job, pausing: true }
      return { jobs: withJob(jobs, next), swept }
    })
    const job = list.jobs.find(other => other.id === id)
    if (job === undefined) throw unknownJob(id)
    if (isOver(job)) throw new StrataError('STRATA_BAD_REQUEST', `the job is over: it is ${job.state}`)
    removed?.end(job)
    if (this.#current?.job.id === id) {
      this.#current.job = { ...this.#current.job, pausing: true }
      this.#current.pass.cancel()
    }
    return this.get(id)
  }

  /**
   * Goes on with a job that was paused or has failed, from its place, here if this node can do it.
   * @throws StrataError STRATA_NOT_FOUND, STRATA_BAD_REQUEST when it is neither, STRATA_STORE_UNAVAILABLE
   */
  async resume(id: string): Promise<JobView> {
    const list = await this.#change(({ jobs, swept }) => {
      const job = jobs.find(other => other.id === id)
      if (job === undefined || !mayResume(job)) return undefined
      const { endedAt: _ended, error: _error, pausing: _pausing, ...rest } = job
      const next: Job = { ...rest, state: 'queued', node: this.#node, beat: job.beat + 1, cancelling: false }
      return { jobs: withJob(jobs, next), swept }
    })
    const job = list.jobs.find(other => other.id === id)
    if (job === undefined) throw unknownJob(id)
    if (job.state !== 'queued')
      throw new StrataError(
        'STRATA_BAD_REQUEST',
        `only a job that is paused or has failed can go on: it is ${job.state}`,
      )
    if (this.#works.has(job.kind) && !this.#wanted.some(wanted => wanted.job.id === id)) this.#want(job)
    this.#turn()
    return this.get(id)
  }

  #newWanted(kind: JobKind, cause: JobCause, options: JobOptions): Wanted {
    if (this.#wanted.length >= MOST_WAITING)
      throw new StrataError(
        'STRATA_BAD_REQUEST',
        `${MOST_WAITING} jobs wait already: try again when one is done`,
      )
    return this.#want({
      ...{
        id: randomBytes(9).toString('base64url'),
        kind,
        cause,
        state: 'queued',
        options,
        node: this.#node,
      },
      ...{ createdAt: this.parts.clock.now(), examined: 0, removed: 0, bodies: 0, bytes: 0 },
      ...{ beat: 0, resumed: 0, cancelling: false },
    })
  }

  #want(job: Job): Wanted {
    let end!: (job: Job) => void
    const ended = new Promise<Job>(resolve => {
      end = resolve
    })
    const wanted = { job, ended, end }
    this.#wanted.push(wanted)
    return wanted
  }

  /** What this node knows better than the list. */
  #overlaid(jobs: readonly Job[]): readonly Job[] {
    let all = this.#wanted.reduce(withOwn, jobs)
    for (const job of this.#unwritten.values()) all = withJob(all, job)
    if (this.#current !== undefined) all = withJob(all, progressed(this.#current.job, this.#current.pass))
    return all
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

  /** One that this node may do now: what a silent node has left, else its own, else what a silent node had asked for. */
  async #take(): Promise<{ job: Job; swept: JobList['swept'] } | undefined> {
    let taken: Job | undefined
    const list = await this.#change(({ jobs, swept }) => {
      taken = undefined
      const { clock } = this.parts
      const at = clock.monotonic()
      const all = this.#wanted.reduce(withOwn, jobs)
      const running = jobs.filter(({ state, node }) => state === 'running' && node !== this.#node)
      const isFree = running.every(job => this.#liveness.isStill(job, at))
      const mine = (job: Job) => this.#wanted.some(wanted => wanted.job.id === job.id)
      const mayTake = (job: Job) =>
        this.#works.has(job.kind) && (mine(job) || (this.#started && this.#liveness.isStill(job, at)))
      const next = !isFree
        ? undefined
        : (running.find(job => this.#started && this.#works.has(job.kind)) ??
          all.find(job => job.state === 'queued' && mayTake(job)))
      if (next === undefined) return all === jobs ? undefined : { jobs: all, swept }
      taken = {
        ...next,
        state: 'running',
        node: this.#node,
        startedAt: next.startedAt ?? clock.now(),
        beat: next.beat + 1,
        resumed: next.resumed + (next.startedAt === undefined ? 0 : 1),
      }
      return { jobs: withJob(all, taken), swept }
    })
    this.#endElsewhere(list.jobs)
    return taken === undefined ? undefined : { job: taken, swept: list.swept }
  }

  /** What was asked for here, and was done or cancelled by another node. */
  #endElsewhere(jobs: readonly Job[]): void {
    for (const wanted of [...this.#wanted]) {
      const over = jobs.find(job => job.id === wanted.job.id && isOver(job))
      if (over === undefined) continue
      this.#wanted.splice(this.#wanted.indexOf(wanted), 1)
      wanted.end(over)
    }
  }

  async #run({ job, swept }: { job: Job; swept: JobList['swept'] }): Promise<void> {
    const { clock, timers, pace } = this.parts
    const waiting = this.#wanted.findIndex(wanted => wanted.job.id === job.id)
    const [wanted] = waiting === -1 ? [] : this.#wanted.splice(waiting, 1)
    const pass = new Pass(job.startedAt!, { pace, clock, timers })
    pass.examined = job.examined
    pass.removed = job.removed
    pass.bodies = job.bodies
    pass.bytes = job.bytes
    if (job.rebuilt !== undefined) pass.rebuilt = job.rebuilt
    if (job.place !== undefined) pass.place = job.place
    if (job.warm !== undefined) pass.warm = job.warm
    if (swept !== undefined) pass.swept = swept
    const current = { job, pass, wanted }
    this.#current = current
    if (this.#stopped || job.cancelling || job.pausing === true) pass.cancel()
    const endBeats = this.#beat(current)
    await this.#works.get(job.kind)!(pass, job.options, { save: () => this.#report(current) })
    await endBeats()
    this.#current = undefined
    const ended = this.#outcome(current.job, pass)
    wanted?.end(ended)
    this.#unwritten.set(ended.id, ended)
    await this.#change(({ jobs, swept: known }) => ({ jobs, swept: pass.swept ?? known }))
  }

  #outcome(job: Job, pass: Pass): Job {
    const state = pass.state === 'running' ? 'failed' : pass.state
    const { place, ...told } = progressed(job, pass)
    const kept = place === undefined ? told : { ...told, place }
    if (state === 'cancelled' && job.pausing === true && !job.cancelling) {
      const { pausing: _pausing, ...rest } = kept
      return { ...rest, state: 'paused' }
    }
    // A node that closes leaves it to the next.
    if (state === 'cancelled' && this.#stopped && !job.cancelling) return { ...kept, state: 'queued' }
    const error = pass.error === undefined ? {} : { error: pass.error.slice(0, LONGEST_ERROR) }
    return { ...told, state, endedAt: pass.endedAt ?? this.parts.clock.now(), ...error }
  }

  /** Says that the job lives, and hears whether it is to stop or has another node by now. Returns what ends it. */
  #beat(current: { job: Job; readonly pass: Pass }): () => Promise<void> {
    const { timers, beatMs = BEAT_MS } = this.parts
    let beating: Promise<void> | undefined
    let over = false
    let cancel = () => {}
    const schedule = () => {
      if (!over)
        cancel = timers.after(beatMs, () => {
          beating = this.#report(current).catch(this.parts.onError).finally(schedule)
        })
    }
    schedule()
    return async () => {
      over = true
      cancel()
      await beating
    }
  }

  async #report(current: { job: Job; readonly pass: Pass }): Promise<void> {
    const { id } = current.job
    const list = await this.#change(({ jobs, swept }) => {
      const known = jobs.find(job => job.id === id)
      // A store that has lost its list gets the job back.
      if (known !== undefined && (known.node !== this.#node || known.state !== 'running')) return undefined
      const beat = (known?.beat ?? current.job.beat) + 1
      const cancelling = current.job.cancelling || (known?.cancelling ?? false)
      const isPausing = current.job.pausing === true || known?.pausing === true
      const pausing = isPausing ? { pausing: true } : {}
      const now = progressed(current.job, current.pass)
      return { jobs: withJob(jobs, { ...now, beat, cancelling, ...pausing }), swept }
    })
    const known = list.jobs.find(job => job.id === id)
    if (known === undefined) return
    current.job = known
    const isOurs = known.node === this.#node && known.state === 'running'
    if (known.cancelling || known.pausing === true || !isOurs) current.pass.cancel()
  }

  /** Changes the list by what `step` makes of it (undefined: nothing to change), against whoever changes it as well. */
  async #change(step: (list: JobList) => JobList | undefined): Promise<JobList> {
    const { store, clock, history = HISTORY } = this.parts
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

  /** What has left the list leaves no papers. */
  #forget(before: readonly Job[], after: readonly Job[]): void {
    if (before.length === after.length) return
    for (const { id, options } of before) {
      const { warm } = options
      if (warm === undefined || after.some(job => job.id === id)) continue
      for (const name of papersOf(warm)) this.parts.store.putPaper(name, '').catch(this.parts.onError)
    }
  }

  /** Another node may have gone on with it, or an operator may have ended it. */
  #isStillOurs({ id }: Job, jobs: readonly Job[]): boolean {
    const known = jobs.find(job => job.id === id)
    return known === undefined || (known.node === this.#node && !isOver(known))
  }

  /** The list can't be had: what waits here is not done. The next one that is asked for tries again. */
  #giveUp(error: unknown): void {
    const endedAt = this.parts.clock.now()
    const text = messageOf(error).slice(0, LONGEST_ERROR)
    for (const { job, end } of this.#wanted.splice(0)) {
      const failed: Job = { ...job, state: 'failed', endedAt, error: text }
      if (this.#unwritten.size < HISTORY) this.#unwritten.set(job.id, failed)
      end(failed)
    }
  }

  #look(): void {
    if (this.#stopped || !(this.#started || this.#wanted.length > 0)) return
    this.#cancelLook?.()
    const { timers, leaseMs = LEASE_MS } = this.parts
    // Somebody waits: as soon as the other job may be over.
    const wait = this.#wanted.length > 0 ? leaseMs / 40 : leaseMs / 2
    this.#cancelLook = timers.after(wait, () => this.#turn())
  }
}

function withOwn(jobs: readonly Job[], wanted: Wanted | undefined): readonly Job[] {
  return wanted === undefined || jobs.some(({ id }) => id === wanted.job.id) ? jobs : [...jobs, wanted.job]
}

function progressed(job: Job, pass: Pass): Job {
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

function mayResume({ state, kind }: Job): boolean {
  return state === 'paused' || (state === 'failed' && kind === 'warm')
}

function unknownJob(id: string): StrataError {
  return new StrataError('STRATA_NOT_FOUND', `there is no job ${JSON.stringify(id.slice(0, 64))}`)
}
