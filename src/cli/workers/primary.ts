import cluster, { type Worker } from 'node:cluster'
import { setTimeout as delay } from 'node:timers/promises'
import type { ToPrimary, ToWorker } from './messages.js'
import { ShareRounds } from './share-rounds.js'

/** A worker that ends before it listens is started anew after a pause that doubles, ms; after so many in a row none is. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
const MOST_FAILURES = 5

export interface PrimaryLog {
  info(details: object, message: string): void
  error(details: object, message: string): void
}

/**
 * Runs so many workers of this very command, which share its port and its store. One that ends is replaced. SIGHUP replaces all, one
 * after the other, each by one with the settings of now: the old one goes when the new one listens, and if it never does, all stays as
 * it was. SIGTERM and SIGINT end all in good order, a second signal at once.
 * @returns exit code
 */
export function runWorkers(count: number, log: PrimaryLog): Promise<number> {
  return new Primary(count, log).run()
}

class Primary {
  readonly #serving = new Set<Worker>()
  readonly #rounds = new ShareRounds()
  #stopping = false
  #failures = 0
  #reloading: Promise<void> | undefined
  #end!: (code: number) => void

  constructor(
    private readonly count: number,
    private readonly log: PrimaryLog,
  ) {}

  async run(): Promise<number> {
    const ended = new Promise<number>(resolve => {
      this.#end = resolve
    })
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#stop())
    process.on('SIGHUP', () => this.#reload())
    for (let i = 0; i < this.count; i++) void this.#keepOne()
    return ended
  }

  /** One worker, and another whenever it ends unasked. */
  async #keepOne(): Promise<void> {
    while (!this.#stopping) {
      if (await this.#start()) return
      if (this.#stopping) return
      if (++this.#failures >= MOST_FAILURES) {
        this.log.error({ failures: this.#failures }, 'workers end before they listen: giving up')
        return this.#stop(1)
      }
      await delay(Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS))
    }
  }

  /** Resolves when the new worker listens; false: it ended before that. */
  #start(): Promise<Worker | undefined> {
    const worker = cluster.fork()
    return new Promise(resolve => {
      worker.on('message', (message: ToPrimary) => {
        if (message.strata === 'ready') {
          this.#serving.add(worker)
          this.#failures = 0
          if (this.#stopping) tell(worker, { strata: 'stop', gently: false })
          return resolve(worker)
        }
        if (message.strata === 'share') return this.#rounds.answer(worker.id, message.id, message.share)
        const others = [...this.#serving].filter(other => other !== worker)
        this.#rounds.begin(listenerOf(worker), message.id, others.map(listenerOf))
      })
      worker.on('exit', (code, signal) => {
        const wasServing = this.#serving.delete(worker)
        resolve(undefined)
        const wasAsked = worker.exitedAfterDisconnect || RETIRED.has(worker)
        if (wasServing && !wasAsked && !this.#stopping) {
          this.log.error(
            { worker: worker.process.pid, code, signal },
            'a worker ended: another takes its place',
          )
          void this.#keepOne()
        }
        if (this.#stopping && Object.keys(cluster.workers ?? {}).length === 0) this.#end(this.#code)
      })
    })
  }

  #code = 0

  #stop(code = 0): void {
    if (this.#stopping) {
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
      return
    }
    this.#stopping = true
    this.#code = code
    const all = Object.values(cluster.workers ?? {})
    for (const worker of all) if (worker !== undefined) tell(worker, { strata: 'stop', gently: false })
    if (all.length === 0) this.#end(code)
  }

  #reload(): void {
    const before = this.#reloading ?? Promise.resolve()
    const mine = before.then(() => this.#replaceAll())
    this.#reloading = mine
  }

  async #replaceAll(): Promise<void> {
    const old = [...this.#serving]
    for (const worker of old) {
      if (this.#stopping) return
      if ((await this.#start()) === undefined) {
        this.log.error({}, 'the new worker ended before it listened: the reload ends here, the others stay')
        return
      }
      RETIRED.add(worker)
      tell(worker, { strata: 'stop', gently: true })
    }
    this.log.info({ workers: old.length }, 'reloaded')
  }
}

/** They are to end: nobody takes their place. */
const RETIRED = new WeakSet<Worker>()

function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message)
}

function listenerOf(worker: Worker) {
  return { id: worker.id, send: (message: ToWorker) => tell(worker, message) }
}
