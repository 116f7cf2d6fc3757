import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fsBodyStore } from '../../src/stores/embedded/bodies.js'
import { openDatabase } from '../../src/stores/embedded/database.js'
import { lmdbMetadataStore } from '../../src/stores/embedded/metadata.js'
import { bodyStoreSuite } from './body-store.suite.js'
import { metadataStoreSuite } from './metadata-store.suite.js'

const folder = () => mkdtemp(join(tmpdir(), 'strata.embedded-'))

metadataStoreSuite(
  'embedded',
  async () => {
    const path = await folder()
    let store = lmdbMetadataStore({ path })
    return {
      store,
      reopen: async () => {
        await store.close()
        store = lmdbMetadataStore({ path })
        return store
      },
      damage: async (key, variant, bytes) => {
        const { root, tables } = openDatabase(path)
        await root.transaction(() => {
          const rows = tables.rows.get(key) ?? []
          tables.rows.put(
            key,
            rows.map(row => (row.variant === variant ? { ...row, stored: bytes } : row)),
          )
        })
        await root.close()
      },
      cleanup: async () => {
        await store.close()
        await rm(path, { recursive: true })
      },
    }
  },
  { local: true },
)

bodyStoreSuite('embedded', async () => {
  const path = await folder()
  const store = fsBodyStore({ path })
  return {
    store,
    cleanup: async () => {
      await store.close()
      await rm(path, { recursive: true })
    },
  }
})
