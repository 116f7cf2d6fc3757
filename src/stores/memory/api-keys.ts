import type { ApiKeyStore } from '../../engine/ports/api-key-store.js'

/** API keys in this process's memory: they end with it. */
export function memoryApiKeyStore(): ApiKeyStore {
  const keys = new Map<string, string>()
  return {
    name: 'memory',
    get: async id => keys.get(id),
    list: async () => [...keys.values()],
    add: async (id, text, most) => {
      if (keys.has(id)) return 'taken'
      if (keys.size >= most) return 'full'
      keys.set(id, text)
      return 'added'
    },
    remove: async id => keys.delete(id),
    close: async () => undefined,
  }
}
