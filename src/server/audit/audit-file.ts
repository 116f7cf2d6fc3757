import { constants } from 'node:fs'
import { mkdir, open, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StrataError } from '../../errors.js'

export interface AuditFileOptions {
  readonly path: string
  /** Wait until a line is on the disk. */
  readonly sync: boolean
}

/** Lines that may wait to be written. */
const MAX_WAITING = 10_000
/** Bytes of one write. */
const MAX_BATCH = 1024 * 1024

interface Waiting {
  readonly line: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * A file that only grows. Lines that come while others are written go together in the next write, and share its flush. Several
 * processes may write to one file (O_APPEND); one that was renamed or removed is made anew, so that logrotate needs no signal.
 */
export class AuditFile {
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #handle: FileHandle | undefined
  /** What was written last did not end its line, or may not have. */
  #torn = false
  #closed = false

  constructor(private readonly options: AuditFileOptions) {}

  /** Resolves once the line is written (and on the disk, with `sync`). @throws StrataError STRATA_AUDIT */
  append(line: string): Promise<void> {
    if (this.#closed) return Promise.reject(failure('it is closed'))
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(failure('too much waits to be written'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#writing
    await this.#handle?.close()
    this.#handle = undefined
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch()
      try {
        const handle = await this.#open()
        const bytes = Buffer.from(`${this.#torn ? '\n' : ''}${batch.map(({ line }) => `${line}\n`).join('')}`)
        this.#torn = true
        await handle.appendFile(bytes)
        this.#torn = false
        if (this.options.sync && (await handle.stat()).isFile()) await handle.datasync()
        for (const { resolve } of batch) resolve()
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
        for (const { reject } of batch) reject(failure(`${this.options.path}: ${code}`, error))
      }
    }
    this.#writing = undefined
  }

  #nextBatch(): Waiting[] {
    let bytes = 0
    let count = 0
    while (count < this.#waiting.length && bytes < MAX_BATCH) bytes += this.#waiting[count++]!.line.length
    return this.#waiting.splice(0, count)
  }

  /** The file that has the name now. */
  async #open(): Promise<FileHandle> {
    const { path } = this.options
    if (this.#handle !== undefined) {
      const [ours, named] = await Promise.all([this.#handle.stat(), stat(path).catch(missing)])
      if (named !== undefined && named.ino === ours.ino && named.dev === ours.dev) return this.#handle
      await this.#handle.close()
      this.#handle = undefined
    }
    await mkdir(dirname(path), { recursive: true })
    const { O_APPEND, O_CREAT, O_RDWR } = constants
    // Who may use the routes and from where is nobody else's business on the machine.
    const handle = await open(path, O_APPEND | O_CREAT | O_RDWR, 0o600)
    const { size } = await handle.stat()
    if (size === 0) await syncFolder(dirname(path))
    else {
      const last = Buffer.alloc(1)
      await handle.read(last, 0, 1, size - 1)
      // A process that died in the middle of a line: the next one is not to be glued to it.
      this.#torn = last[0] !== 0x0a
    }
    return (this.#handle = handle)
  }
}

/** So that the file itself is there after a crash. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

function failure(reason: string, cause?: unknown): StrataError {
  return new StrataError('STRATA_AUDIT', `the audit log can't be written (${reason})`, { cause })
}
