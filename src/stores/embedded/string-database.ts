import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import type { StrataError } from '../../errors.js'
import { commitFailure } from './commit-failure.js'
import { NO_BATCHES } from './database.js'
import { DATABASE_RESERVE, FreeSpace } from './free-space.js'
import { OpenGate } from './open-gate.js'

type Root = RootDatabase<string, string>

/** A small LMDB file of texts, shared by all processes of the machine. */
export class StringDatabase {
  readonly #root: Root
  readonly #gate: OpenGate
  readonly #space: FreeSpace
  #broken: StrataError | undefined

  /** Opens or creates `folder/file`. Throws what the file system or LMDB says. */
  constructor(folder: string, file: string) {
    const path = join(folder, file)
    mkdirSync(folder, { recursive: true })
    this.#space = new FreeSpace(folder, DATABASE_RESERVE)
    this.#gate = new OpenGate(path)
    try {
      // Opening the root's own table is a transaction, which writes nothing.
      this.#root = this.#gate.open(() =>
        open<string, string>({ path, noSubdir: true, encoding: 'string', ...NO_BATCHES }),
      )
    } catch (error) {
      this.#gate.close()
      throw error
    }
  }

  read<T>(step: (root: Root) => T): T {
    // Another process may have written since this turn's snapshot was taken.
    this.#root.resetReadTxn()
    return step(this.#root)
  }

  /** One transaction. `bytes`: what it adds at most; with none it may use the reserve, for a full disk must not keep a key valid. */
  async write<T>(bytes: number, step: (root: Root) => T): Promise<T> {
    if (bytes > 0) this.#space.take(bytes)
    if (this.#broken !== undefined) throw this.#broken
    try {
      return await this.#gate.write(() => this.#root.transaction(() => step(this.#root)))
    } catch (error) {
      this.#broken = await commitFailure(error)
      throw this.#broken ?? error
    }
  }

  async close(): Promise<void> {
    if (this.#broken === undefined) await this.#root.close()
    else void this.#root.close()
    this.#gate.close()
  }
}
