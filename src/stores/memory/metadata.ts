import { randomUUID } from 'node:crypto'
import type { Entry, MetadataStore } from '../../engine/ports/index.js'
import { LocalMetadataStore } from '../local/metadata-store.js'
import { memoryTables } from './tables.js'

/** Metadata in this process's memory: nothing survives a restart, nobody else sees it. Limits are the engine's eviction. */
export function memoryMetadataStore(): MetadataStore {
  return new LocalMetadataStore<Entry>({
    name: 'memory',
    tables: memoryTables(randomUUID()),
    codec: { seal: entry => entry, open: (_key, _variant, entry) => entry },
    read: step => step(),
    // Async, so that a step's error is a rejection; the step itself runs at once.
    write: async step => step(),
    flushed: () => Promise.resolve(),
    close: () => Promise.resolve(),
  })
}
