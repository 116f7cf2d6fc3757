import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import type { JobStore } from '../../engine/ports/job-store.js'
import { isStrataError, messageOf, StrataError } from '../../errors.js'
import { DATABASE_RESERVE, FreeSpace } from './free-space.js'

/**
 * A list of jobs in `path/jobs.mdb`, shared by all processes of the machine. A file of its own: it has nothing in common with the
 * metadata, and losing it costs a list.
 * @throws StrataError STRATA_STORE_UNAVAILABLE when it can't be opened.
 */
export function lmdbJobStore({ path, list = 'jobs' }: { path: string; list?: string }): JobStore {
  const paperKey = (name: string) => `${list}:paper:${name}`
  const root = openRoot(path)
  const space = new FreeSpace(path, DATABASE_RESERVE)
  let closing: Promise<void> | undefined
  const guarded = async <T>(step: () => T | Promise<T>): Promise<T> => {
    if (closing !== undefined) throw new StrataError('STRATA_STORE_UNAVAILABLE', 'the list of jobs is closed')
    try {
      return await step()
    } catch (error) {
      throw unavailable(error)
    }
  }
  return {
    name: 'embedded',
    read: () =>
      guarded(() => {
        // Another process may have written since this turn's snapshot was taken.
        root.resetReadTxn()
        return root.get(list) ?? ''
      }),
    paper: name =>
      guarded(() => {
        root.resetReadTxn()
        return root.get(paperKey(name)) ?? ''
      }),
    putPaper: (name, paper) =>
      guarded(async () => {
        space.take(paper.length)
        await (paper === '' ? root.remove(paperKey(name)) : root.put(paperKey(name), paper))
      }),
    swap: (before, after) =>
      guarded(() => {
        space.take(before.length + after.length)
        return root.transaction(() => {
          if ((root.get(list) ?? '') !== before) return false
          void root.put(list, after)
          return true
        })
      }),
    close: () => (closing ??= root.close()),
  }
}

function openRoot(folder: string): RootDatabase<string, string> {
  try {
    mkdirSync(folder, { recursive: true })
    return open<string, string>({ path: join(folder, 'jobs.mdb'), noSubdir: true, encoding: 'string' })
  } catch (error) {
    throw unavailable(error)
  }
}

function unavailable(error: unknown): StrataError {
  if (isStrataError(error)) return error
  return new StrataError('STRATA_STORE_UNAVAILABLE', `the list of jobs failed: ${messageOf(error)}`, {
    cause: error,
  })
}
