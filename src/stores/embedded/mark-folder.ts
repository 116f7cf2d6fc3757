import * as fs from 'node:fs'
import { join } from 'node:path'
import { isErrno } from './io-error.js'
import { isRunning } from './process-identity.js'

/** What a process of another container has left behind for so long is no longer meant, ms. */
const STRANGER_MS = 30_000

/**
 * A folder with a small file for each process of the machine that has something to say to the others. A mark counts while its process
 * runs. One of another container, of which nothing can be known here, counts while it is young.
 */
export class MarkFolder {
  constructor(private readonly path: string) {}

  /** A new mark; its descriptor, to change it with. The folder is made when it is missing. */
  add(name: string, content: string): number {
    for (;;) {
      fs.mkdirSync(this.path, { recursive: true })
      try {
        const fd = fs.openSync(join(this.path, name), 'wx')
        fs.writeSync(fd, content)
        return fd
      } catch (error) {
        // Another process has found the folder empty, and removed it.
        if (!isErrno(error, 'ENOENT')) throw error
      }
    }
  }

  remove(name: string): void {
    fs.rmSync(join(this.path, name), { force: true })
  }

  /** Whether there is the folder at all. */
  exists(): boolean {
    return fs.statSync(this.path, { throwIfNoEntry: false }) !== undefined
  }

  removeIfEmpty(): void {
    try {
      fs.rmdirSync(this.path)
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
    }
  }

  /** The marks that count, without the caller's own. Those of processes that have ended are removed. */
  names(own: string): readonly string[] {
    return this.#all().filter(name => {
      if (name === own) return false
      const running = isRunning(name)
      if (running === false) this.remove(name)
      return running ?? this.#age(name) < STRANGER_MS
    })
  }

  /** '' when the mark has just been removed. */
  contentOf(name: string): string {
    return orWhenGone(() => fs.readFileSync(join(this.path, name), 'latin1'), '')
  }

  #age(name: string): number {
    return Date.now() - (fs.statSync(join(this.path, name), { throwIfNoEntry: false })?.mtimeMs ?? 0)
  }

  #all(): readonly string[] {
    return orWhenGone(() => fs.readdirSync(this.path), [])
  }
}

function orWhenGone<T>(read: () => T, gone: T): T {
  try {
    return read()
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return gone
    throw error
  }
}
