import type { JobStore } from '../../engine/ports/job-store.js'
import { isStrataError, messageOf, StrataError } from '../../errors.js'
import { StringDatabase } from './string-database.js'

/**
 * A list of jobs in `path/jobs.mdb`, shared by all processes of the machine. A file of its own: it has nothing in common with the
 * metadata, and losing it costs a list.
 * @throws StrataError STRATA_STORE_UNAVAILABLE when it can't be opened.
 */
export function lmdbJobStore({ path, list = 'jobs' }: { path: string; list?: string }): JobStore {
  const paperKey = (name: string) => `${list}:paper:${name}`
  const database = openOrUnavailable(path)
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
    read: () => guarded(() => database.read(root => root.get(list) ?? '')),
    paper: name => guarded(() => database.read(root => root.get(paperKey(name)) ?? '')),
    putPaper: (name, paper) =>
      guarded(() =>
        database.write(paper.length, root => {
          void (paper === '' ? root.remove(paperKey(name)) : root.put(paperKey(name), paper))
        }),
      ),
    swap: (before, after) =>
      guarded(() =>
        database.write(before.length + after.length, root => {
          if ((root.get(list) ?? '') !== before) return false
          void root.put(list, after)
          return true
        }),
      ),
    close: () => (closing ??= database.close()),
  }
}

function openOrUnavailable(folder: string): StringDatabase {
  try {
    return new StringDatabase(folder, 'jobs.mdb')
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
