import { join } from 'node:path'
import type { Backend, StrataConfig } from './config/index.js'
import type { BodyStore, MetadataStore } from './engine/ports/index.js'

export interface Stores {
  readonly metadata: MetadataStore
  readonly bodies: BodyStore
  close(): Promise<void>
}

type Warn = (what: string, details: Record<string, unknown>) => void

/** Opens the adapters of a backend. Each is loaded when it is asked for: the embedded store needs no Redis client in memory. */
export async function openStores(backend: Backend, config: StrataConfig, warn: Warn): Promise<Stores> {
  const stores = await openBackend(backend, config, warn)
  return stores
}

async function openBackend(backend: Backend, config: StrataConfig, _warn: Warn): Promise<Stores> {
  if (backend === 'memory') {
    const { memoryMetadataStore, memoryBodyStore } = await import('./stores/memory/index.js')
    return together(memoryMetadataStore(), memoryBodyStore({ maxBytes: config.limits.maxStoreBytes }))
  }
  if (backend === 'embedded') {
    const { lmdbMetadataStore, fsBodyStore } = await import('./stores/embedded/index.js')
    const metadata = lmdbMetadataStore({ path: join(config.dataDir, 'metadata') })
    return together(metadata, fsBodyStore({ path: join(config.dataDir, 'bodies') }))
  }
  throw new Error(`backend ${backend} is not built yet`)
}

function together(metadata: MetadataStore, bodies: BodyStore): Stores {
  return {
    metadata,
    bodies,
    close: async () => {
      await metadata.close()
      await bodies.close()
    },
  }
}
