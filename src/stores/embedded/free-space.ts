import { statfsSync } from 'node:fs'
import { StrataError } from '../../errors.js'
import { ioError } from './io-error.js'

const MiB = 1_048_576

/**
 * Bodies leave so much of the disk free, bytes: a database that runs out of space in a commit can't be relied on any more (LMDB
 * fails with EIO, and its process hangs), and what frees space again (sweeps, evictions, purges) has to be written as well.
 */
export const BODY_RESERVE = 32 * MiB
/** … and the database itself leaves so much, bytes. */
export const DATABASE_RESERVE = 8 * MiB
/** Free space of the disk from which on room inside of files counts, bytes. */
const INSIDE_FROM = 16 * MiB
/** What may be written before the disk is asked again, bytes; and for how long its answer holds, ms. */
const ASK_AFTER = 4 * MiB
const HOLDS_MS = 250

/** Looks after the free space of the disk that a folder is on, so that nothing runs into its end. */
export class FreeSpace {
  #disk = 0
  #within = 0
  #taken = 0
  #askedAt = -Infinity

  constructor(
    private readonly folder: string,
    private readonly reserve: number,
    /** Room in files that are there already, bytes. */
    private readonly inside: () => number = () => 0,
  ) {}

  /** Something has to go: the reserve is near, also with the room inside. Where that is plenty, and the disk full, others must go. */
  get isShort(): boolean {
    this.#ask(0)
    return this.#disk + this.#within < this.reserve + ASK_AFTER
  }

  /**
   * Before `bytes` are written.
   * @throws StrataError STRATA_STORE_UNAVAILABLE when less than the reserve would be left.
   */
  take(bytes: number): void {
    this.#taken += bytes
    if (this.#taken > ASK_AFTER || performance.now() - this.#askedAt > HOLDS_MS) this.#ask(bytes)
    // Without any disk left nothing can be relied on.
    const free = this.#disk >= INSIDE_FROM ? this.#disk + this.#within : this.#disk
    if (free - this.#taken >= this.reserve) return
    const message = `the disk of ${this.folder} is full: less than ${this.reserve / MiB} MiB are free`
    throw new StrataError('STRATA_STORE_UNAVAILABLE', message)
  }

  #ask(bytes: number): void {
    try {
      const { bavail, bsize } = statfsSync(this.folder)
      this.#disk = bavail * bsize
      // It is in pieces, not each of which fits. Not asked for where the disk alone has enough until it is asked again.
      this.#within = this.#disk - bytes - ASK_AFTER >= this.reserve ? 0 : this.inside() / 2
    } catch (error) {
      throw ioError(error)
    }
    this.#taken = bytes
    this.#askedAt = performance.now()
  }
}
