import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { StrataError } from '../../errors.js'
import { isErrno } from './io-error.js'
import { isRunning, ownIdentity } from './process-identity.js'

/** How long one side waits for the other, ms: both are over within milliseconds, unless their process stands still. */
const PATIENCE_MS = 10_000
/** What a process of another container has left behind for so long is no longer meant, ms. */
const STRANGER_MS = 30_000
const POLL_MS = 1

const WRITES = new Uint8Array([0x31])
const RESTS = new Uint8Array([0x30])

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
  readonly #writers: string
  readonly #openers: string
  readonly #mark: string
  readonly #fd: number
  #writing = 0

  /** @param database path of the file, in a folder that exists */
  constructor(
    database: string,
    private readonly patience = PATIENCE_MS,
  ) {
    this.#writers = `${database}-writers`
    this.#openers = `${database}-openers`
    this.#mark = join(this.#writers, this.#name)
    fs.mkdirSync(this.#writers, { recursive: true })
    this.#fd = fs.openSync(this.#mark, 'wx')
    this.#set(RESTS)
  }

  /**
   * Opens the file while nobody writes to it. Blocks the thread meanwhile.
   * @throws StrataError STRATA_STORE_UNAVAILABLE when a process writes and does not come to an end.
   */
  open<R>(open: () => R): R {
    const own = this.#enter()
    try {
      this.#waitWhile(() => this.#writer(), 'writes to')
      return open()
    } finally {
      fs.rmSync(own)
      this.#leave()
    }
  }

  /** Runs a transaction while nobody opens the file. */
  async write<R>(transaction: () => Promise<R>): Promise<R> {
    for (const until = performance.now() + PATIENCE_MS; ;) {
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

  /** When the file is closed, and nothing is written any more. */
  close(): void {
    fs.closeSync(this.#fd)
    fs.rmSync(this.#mark, { force: true })
  }

  #set(state: Uint8Array): void {
    fs.writeSync(this.#fd, state, 0, 1, 0)
  }

  /** Has begun unless it gives an opener. */
  #begin(): string | undefined {
    if (this.#writing++ === 0) this.#set(WRITES)
    const opener = this.#opener()
    if (opener !== undefined) this.#end()
    return opener
  }

  #end(): void {
    if (--this.#writing === 0) this.#set(RESTS)
  }

  #enter(): string {
    const own = join(this.#openers, this.#name)
    for (;;) {
      fs.mkdirSync(this.#openers, { recursive: true })
      try {
        fs.writeFileSync(own, '')
        return own
      } catch (error) {
        // A writer has found the folder empty, and removed it.
        if (!isErrno(error, 'ENOENT')) throw error
      }
    }
  }

  #leave(): void {
    try {
      fs.rmdirSync(this.#openers)
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
    }
  }

  #opener(): string | undefined {
    // As a rule there is not even the folder.
    if (fs.statSync(this.#openers, { throwIfNoEntry: false }) === undefined) return undefined
    for (const name of namesIn(this.#openers)) {
      if (isMeant(this.#openers, name)) return name
      fs.rmSync(join(this.#openers, name), { force: true })
    }
    this.#leave()
    return undefined
  }

  #writer(): string | undefined {
    for (const name of namesIn(this.#writers)) {
      // What this process has open already is shared, not opened once more.
      if (name.startsWith(`${this.#identity}.`)) continue
      if (isMeant(this.#writers, name)) {
        if (isSet(join(this.#writers, name))) return name
      } else if (isRunning(name) === false) {
        fs.rmSync(join(this.#writers, name), { force: true })
      }
    }
    return undefined
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

/** A mark means something while its process runs; of one in another container it is known by its age. */
function isMeant(folder: string, name: string): boolean {
  const running = isRunning(name)
  if (running !== undefined) return running
  const made = fs.statSync(join(folder, name), { throwIfNoEntry: false })
  return made !== undefined && Date.now() - made.mtimeMs < STRANGER_MS
}

function isSet(mark: string): boolean {
  try {
    return fs.readFileSync(mark, 'latin1') === '1'
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false // its process has closed the file
    throw error
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  }
}
