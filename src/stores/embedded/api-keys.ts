import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import type { ApiKeyStore } from '../../engine/ports/api-key-store.js'
import { isStrataError, messageOf, StrataError } from '../../errors.js'
import { DATABASE_RESERVE, FreeSpace } from './free-space.js'

/**
 * API keys in `path/api-keys.mdb`, shared by all processes of the machine. A file of its own, made when it is first asked for: who
 * empties the cache by hand must not hand out the admin routes with it.
 */
export function lmdbApiKeyStore({ path }: { path: string }): ApiKeyStore {
  const space = new FreeSpace(path, DATABASE_RESERVE)
  let root: RootDatabase<string, string> | undefined
  let closing: Promise<void> | undefined
  const withRoot = async <T>(step: (root: RootDatabase<string, string>) => T | Promise<T>): Promise<T> => {
    if (closing !== undefined) throw new StrataError('STRATA_STORE_UNAVAILABLE', 'the API keys are closed')
    try {
      root ??= openRoot(path)
      return await step(root)
    } catch (error) {
      if (isStrataError(error)) throw error
      const message = `the store of API keys failed: ${messageOf(error)}`
      throw new StrataError('STRATA_STORE_UNAVAILABLE', message, { cause: error })
    }
  }
  /** Another process may have written since this turn's snapshot was taken. */
  const reading = <T>(step: (root: RootDatabase<string, string>) => T): Promise<T> =>
    withRoot(opened => {
      opened.resetReadTxn()
      return step(opened)
    })
  return {
    name: 'embedded',
    get: id => reading(opened => opened.get(id)),
    list: () => reading(opened => [...opened.getRange()].map(({ value }) => value)),
    add: (id, text, most) =>
      withRoot(opened => {
        space.take(text.length)
        return opened.transaction(() => {
          if (opened.get(id) !== undefined) return 'taken'
          if (opened.getKeysCount() >= most) return 'full'
          void opened.put(id, text)
          return 'added'
        })
      }),
    remove: id =>
      withRoot(opened =>
        opened.transaction(() => {
          if (opened.get(id) === undefined) return false
          void opened.remove(id)
          return true
        }),
      ),
    close: () => (closing ??= root?.close() ?? Promise.resolve()),
  }
}

function openRoot(folder: string): RootDatabase<string, string> {
  mkdirSync(folder, { recursive: true })
  return open<string, string>({ path: join(folder, 'api-keys.mdb'), noSubdir: true, encoding: 'string' })
}
