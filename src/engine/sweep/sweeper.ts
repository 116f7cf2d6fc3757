import type { Clock } from '../clock.js'
import type { Fence } from '../fence/fence.js'
import type { BodyStore, MetadataStore } from '../ports/index.js'
import type { LimitSettings, SweepSettings } from '../settings.js'
import type { StoreRoom } from '../store-room.js'
import type { Timers } from '../timers.js'
import type { AccessLog } from './access-log.js'
import { Counts, type Collector } from './counts.js'
import { MarkSweep } from './mark-sweep.js'
import { Pass, type SweepProgress } from './pass.js'
import { OrphanBodies } from './orphan-bodies.js'
import { isFarOver, sweepExcess, sweepUseless } from './store-sweep.js'

export interface SweeperParts {
  readonly metadata: MetadataStore
  readonly bodies: BodyStore
  readonly fence: Fence
  readonly sweep: Pick<SweepSettings, 'intervalMs' | 'batch' | 'bodyGraceMs'> &
    Partial<Pick<SweepSettings, 'pace'>>
  readonly limits: Pick<LimitSettings, 'maxStoreBytes' | 'maxStoreEntries' | 'maxMarks'>
  readonly clock: Clock
  readonly timers: Timers
  /** Its uses are written before anything is evicted by them. */
  readonly accessLog?: AccessLog
  /** Is told when a pass has made room. */
  readonly room?: Pick<StoreRoom, 'look'>
  /** Asks for a pass (`runPass` in the end), where several nodes share the store; without it passes are this node's own affair. */
  readonly request?: (cause: 'invalidation' | 'interval' | 'log') => void
  /** A pass failed; the next one tries again. */
  readonly onError: (error: unknown, progress: SweepProgress) => void
  /** See MarkSweepOptions. */
  readonly retireAfterMs?: number
  readonly softWalkMs?: number
}

/** The wait for a count is looked at after this part of it: is it in vain? */
const LOOK_AFTER = 8
const RETIRE_AFTER_MS = 60_000
const SOFT_WALK_MS = 600_000

/**
 * Background removal of what is dead already: one pass at a time, in batches, requests first. A pass removes what marks killed
 * and retires the marks, then entries past all use, then the least recently used ones over the limits, then orphan bodies.
 */
export class Sweeper {
  readonly #marks: MarkSweep
  readonly #counts = new Counts()
  readonly #orphans: OrphanBodies
  #pass: Pass | undefined
  #running: Promise<SweepProgress> | undefined
  #next: Promise<SweepProgress> | undefined
  #cancelTimer: (() => void) | undefined
  #stopped = false

  constructor(private readonly parts: SweeperParts) {
    this.#orphans = new OrphanBodies(parts.metadata, parts.bodies, {
      timers: parts.timers,
      graceMs: parts.sweep.bodyGraceMs,
      onError: error => parts.onError(error, new Pass(0).progress()),
    })
    this.#marks = new MarkSweep(parts.metadata, parts.fence, this.#counts, {
      batch: parts.sweep.batch,
      maxMarks: parts.limits.maxMarks,
      retireAfterMs: parts.retireAfterMs ?? RETIRE_AFTER_MS,
      softWalkMs: parts.softWalkMs ?? SOFT_WALK_MS,
    })
  }

  /** Runs a pass every `intervalMs` from now on (never by itself when that is 0). */
  start(): void {
    this.#stopped = false
    this.#schedule()
  }

  /** Cancels what runs and waits for it to end; no pass begins after that until `start`. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#pass?.cancel()
    this.#orphans.stop()
    // What was asked for during the last pass begins after it, and ends at once.
    while (this.#running !== undefined || this.#next !== undefined) await (this.#running ?? this.#next)
  }

  /** The pass that runs, else the last one; undefined before the first. */
  progress(): SweepProgress | undefined {
    return this.#pass?.progress()
  }

  /**
   * A whole pass that begins after this call: callers during a running pass share the next one. Never rejects: the result's
   * `state` says how it went.
   */
  run(): Promise<SweepProgress> {
    if (this.#next !== undefined) return this.#next
    if (this.#running === undefined) return this.#start(this.#newPass())
    this.#next = this.#running.then(() => {
      this.#next = undefined
      return this.#start(this.#newPass())
    })
    return this.#next
  }

  /** The same with a pass of the caller's, after whatever runs. */
  async runPass(pass: Pass): Promise<void> {
    while (this.#running !== undefined) await this.#running
    await this.#start(pass)
  }

  /** Removal of bodies that nothing refers to: its deletions wait for readers, and this sweeper's `stop` knows of them. */
  get orphans(): OrphanBodies {
    return this.#orphans
  }

  /** Asks for a pass without waiting for it. */
  poke(cause: 'invalidation' | 'interval' | 'log' = 'interval'): void {
    const { request } = this.parts
    if (request === undefined) void this.run()
    else request(cause)
  }

  /**
   * To be told of new marks (the fence's `onMarks`): when the log is more than half full, a pass is due before it has to be
   * folded.
   */
  relieve(): void {
    const { fence, limits } = this.parts
    const due = fence.weight > limits.maxMarks / 2
    if (due && this.#running === undefined && !this.#stopped) this.poke('log')
  }

  /** Stops the pass that runs, after its current batch. */
  cancel(): void {
    this.#pass?.cancel()
  }

  /** To be called before an invalidation that is to be counted; what it returns is to be called after. */
  expect(): () => void {
    return this.#counts.expect()
  }

  /**
   * Sweeps at once, and waits for the number of entries that one invalidation hit, at most `waitMs`. Exact when `expect` was
   * called before the invalidation.
   * @param ask asks for the pass. @param collector takes the entries, for as long as the pass runs. @returns `sweeping`: the count is not final.
   */
  async count(
    seq: number,
    waitMs: number,
    ask: () => void = () => this.poke('invalidation'),
    collector?: Collector,
  ): Promise<{ matched: number; sweeping: boolean }> {
    const watch = this.#counts.watch(seq, collector)
    ask()
    const cancels: (() => void)[] = []
    const late = new Promise<void>(resolve => {
      const { timers } = this.parts
      cancels.push(timers.after(waitMs, resolve))
      // Of a large store the count would not be final by then: nobody is kept waiting for that.
      const look = () => {
        if (this.#needsLongerThan(waitMs / LOOK_AFTER)) resolve()
      }
      cancels.push(timers.after(waitMs / LOOK_AFTER, look))
    })
    await Promise.race([watch.ended, late])
    for (const cancel of cancels) cancel()
    const forget = () => void this.#counts.watches.delete(seq)
    if (collector === undefined || watch.done) forget()
    else void watch.ended.then(forget)
    return { matched: watch.matched, sweeping: !watch.done }
  }

  /** What the walk has done in a part of the wait is less than that part of what there is to do. */
  #needsLongerThan(partMs: number): boolean {
    const pass = this.#pass
    if (pass?.state !== 'running' || pass.step !== 'marks' || pass.total === undefined) return false
    const isYoung = this.parts.clock.now() - pass.startedAt <= 2 * partMs
    return isYoung && pass.examined * LOOK_AFTER < pass.total
  }

  #newPass(): Pass {
    const { clock, timers, sweep } = this.parts
    return new Pass(clock.now(), { pace: sweep.pace ?? 1, clock, timers })
  }

  #start(pass: Pass): Promise<SweepProgress> {
    this.#running = this.#sweep(pass).finally(() => {
      this.#running = undefined
      this.#schedule()
    })
    return this.#running
  }

  #schedule(): void {
    const { intervalMs } = this.parts.sweep
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (!this.#stopped && intervalMs > 0)
      this.#cancelTimer = this.parts.timers.after(intervalMs, () => this.poke())
  }

  async #sweep(pass: Pass): Promise<SweepProgress> {
    const { clock, onError, room } = this.parts
    this.#pass = pass
    if (this.#stopped) pass.cancel()
    await pass.run(() => this.#steps(pass), clock)
    await room?.look()
    const progress = pass.progress()
    if (pass.state !== 'done' && pass.step === 'marks')
      for (const watch of this.#counts.watches.values()) watch.giveUp()
    if (pass.state === 'failed') onError(new Error(`sweep: ${pass.error}`), progress)
    return progress
  }

  async #steps(pass: Pass): Promise<void> {
    const { metadata, bodies, clock, sweep, limits } = this.parts
    // What takes nothing more can't wait for a walk through all of it.
    if (isFarOver(await metadata.usage(), limits)) await this.#evict(pass)
    pass.step = 'marks'
    await this.#marks.run(pass, clock.now())
    pass.step = 'useless'
    await sweepUseless(metadata, pass, clock.now(), sweep.batch)
    await this.#evict(pass)
    pass.step = 'orphans'
    await this.#orphans.sweep(pass, clock.now())
    await bodies.clean?.()
  }

  async #evict(pass: Pass): Promise<void> {
    const { metadata, limits, sweep, accessLog } = this.parts
    pass.step = 'eviction'
    await accessLog?.flush()
    await sweepExcess(metadata, pass, limits, sweep.batch)
  }
}
