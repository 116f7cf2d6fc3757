import type { ApiKeyStore } from '../../engine/ports/api-key-store.js'
import { isStrataError, messageOf, StrataError } from '../../errors.js'
import { StringDatabase } from './string-database.js'

/**
 * API keys in `path/api-keys.mdb`, shared by all processes of the machine. A file of its own, made when it is first asked for: who
 * empties the cache by hand must not hand out the admin routes with it.
 */
export function lmdbApiKeyStore({ path }: { path: string }): ApiKeyStore {
  let database: StringDatabase | undefined
  let closing: Promise<void> | undefined
  const guarded = async <T>(step: (database: StringDatabase) => T | Promise<T>): Promise<T> => {
    if (closing !== undefined) throw new StrataError('STRATA_STORE_UNAVAILABLE', 'the API keys are closed')
    try {
      database ??= new StringDatabase(path, 'api-keys.mdb')
      return await step(database)
    } catch (error) {
      if (isStrataError(error)) throw error
      const message = `the store of API keys failed: ${messageOf(error)}`
      throw new StrataError('STRATA_STORE_UNAVAILABLE', message, { cause: error })
    }
  }
  return {
    name: 'embedded',
    get: id => guarded(opened => opened.read(root => root.get(id))),
    list: () => guarded(opened => opened.read(root => [...root.getRange()].map(({ value }) => value))),
    add: (id, text, most) =>
      guarded(opened =>
        opened.write(text.length, root => {
          if (root.get(id) !== undefined) return 'taken'
          if (root.getKeysCount() >= most) return 'full'
          void root.put(id, text)
          return 'added'
        }),
      ),
    remove: id =>
      guarded(opened =>
        opened.write(0, root => {
          if (root.get(id) === undefined) return false
          void root.remove(id)
          return true
        }),
      ),
    close: () => (closing ??= database?.close() ?? Promise.resolve()),
  }
}
