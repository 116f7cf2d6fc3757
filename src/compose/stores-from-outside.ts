import { ConfigError, resolveBackend, type Backend, type StrataConfig } from '../config/index.js'
import { openStores, type Stores } from './stores.js'

/**
 * The stores of a configuration, for a process that serves nothing.
 * @param instead what to do where no other process can see them
 * @param warn is told what goes wrong on the way, in one line
 * @throws ConfigError for a backend that no other process can see; StrataError when a store can't be opened
 */
export async function openStoresFromOutside(
  config: StrataConfig,
  instead: string,
  warn: (line: string) => void,
): Promise<{ readonly backend: Backend; readonly stores: Stores }> {
  const { backend } = resolveBackend(config)
  if (backend === 'memory') {
    const message = `memory keeps everything inside of the process that serves: ${instead}`
    throw new ConfigError([{ path: 'backend', message }])
  }
  const stores = await openStores(backend, config, (what, details) =>
    warn(`${what} ${JSON.stringify(details)}`),
  )
  return { backend, stores }
}
