import { randomUUID } from 'node:crypto'
import { closeSync, writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { StrataError } from '../../errors.js'
import { Alone } from './alone.js'
import type { Grace } from './alone.js'
import { MarkFolder } from './mark-folder.js'
import { ownIdentity } from './process-identity.js'

/** How long one side waits for the other, ms: both are over within milliseconds, unless their process stands still. */
const PATIENCE_MS = 10_000
const POLL_MS = 1

/** A writer's mark: whether a transaction of its runs. Behind it comes what `Alone` says. */
const RESTS = '0'
const WRITES = '1'

/**
 * Keeps the opening of an LMDB file apart from writing to it, among the processes of a machine. LMDB before ITS#9496, as in lmdb-js
 * 3.5.6, reads which transaction is the last when it opens a file, and a moment later, without the write lock, says so to all
 * processes: what another one has committed in between is lost, though it was acknowledged.
 *
 * Beside the file there is a folder with a mark of each process that writes, and, while somebody opens it, one more with theirs
 * (Dekker's order: each sets its own mark, then looks for the other's).
 */
export class OpenGate {
  readonly #identity = ownIdentity()
  readonly #name = `${this.#identity}.${randomUUID()}`
  readonly #writers: MarkFolder
  readonly #openers: MarkFolder
  readonly #fd: number
  readonly #alone: Alone
  #writing = 0

  /** @param database path of the file, in a folder that exists */
  constructor(
    database: string,
    private readonly patience = PATIENCE_MS,
  ) {
    this.#writers = new MarkFolder(`${database}-writers`)
    this.#openers = new MarkFolder(`${database}-openers`)
    this.#fd = this.#writers.add(this.#name, RESTS + Alone.NO)
    this.#alone = new Alone(database, {
      say: word => void writeSync(this.#fd, word, 1),
      others: () => this.#opener() !== undefined || this.#writers.names(this.#name).length > 0,
    })
  }

  /**
   * Opens the file while nobody writes to it. Blocks the thread meanwhile.
   * @throws StrataError STRATA_STORE_UNAVAILABLE when a process writes and does not come to an end.
   */
  open<R>(open: () => R): R {
    closeSync(this.#openers.add(this.#name, ''))
    try {
      const alone = Alone.grace()
      this.#waitWhile(
        () => this.#writers.names(this.#name).find(name => this.#isInTheWay(name, alone)),
        'writes to',
      )
      return open()
    } finally {
      this.#openers.remove(this.#name)
      this.#openers.removeIfEmpty()
    }
  }

  /** Runs a transaction while nobody opens the file. */
  async write<R>(transaction: () => Promise<R>): Promise<R> {
    for (const until = performance.now() + this.patience; ;) {
      const opener = this.#begin()
      if (opener === undefined) break
      if (performance.now() > until) throw this.#standstill(opener, 'opens')
      await pause(POLL_MS)
    }
    try {
      return await transaction()
    } finally {
      this.#end()
    }
  }

  /** The same, blocking the thread. */
  writeSync<R>(transaction: () => R): R {
    this.#waitWhile(() => this.#begin(), 'opens')
    try {
      return transaction()
    } finally {
      this.#end()
    }
  }

  /** From now on `term` says when this is the only one that has the file open. */
  watch(): void {
    this.#alone.watch()
  }

  /** Changes with each time that another may have written; undefined while one may. */
  get term(): number | undefined {
    return this.#alone.term
  }

  /** When the file is closed, and nothing is written any more. */
  close(): void {
    this.#alone.close()
    closeSync(this.#fd)
    this.#writers.remove(this.#name)
  }

  /** Has begun unless it gives an opener. */
  #begin(): string | undefined {
    if (this.#writing++ === 0) writeSync(this.#fd, WRITES, 0)
    const opener = this.#opener()
    if (opener !== undefined) this.#end()
    return opener
  }

  #end(): void {
    if (--this.#writing === 0) writeSync(this.#fd, RESTS, 0)
  }

  #opener(): string | undefined {
    // As a rule there is not even the folder.
    if (!this.#openers.exists()) return undefined
    const [name] = this.#openers.names(this.#name)
    if (name === undefined) this.#openers.removeIfEmpty()
    return name
  }

  #isInTheWay(writer: string, alone: Grace): boolean {
    const [writes, word] = this.#writers.contentOf(writer)
    if (word === Alone.YES && alone.mayLast()) return true
    // A file that this process writes to is open in it: it is shared, not opened once more.
    return writes === WRITES && !writer.startsWith(`${this.#identity}.`)
  }

  #waitWhile(obstacle: () => string | undefined, does: string): void {
    const sleeper = new Int32Array(new SharedArrayBuffer(4))
    for (const until = performance.now() + this.patience; ;) {
      const name = obstacle()
      if (name === undefined) return
      if (performance.now() > until) throw this.#standstill(name, does)
      Atomics.wait(sleeper, 0, 0, POLL_MS)
    }
  }

  #standstill(name: string, does: string): StrataError {
    const [pid] = name.split('.')
    const message = `process ${pid} ${does} the embedded database and has not come to an end for ${this.patience / 1000} s: let it go on, or end it`
    return new StrataError('STRATA_STORE_UNAVAILABLE', message)
  }
}
