import { describe, expect, test } from '@jest/globals'
import { isStrataError } from '../../src/errors.js'
import { memoryBodyStore } from '../../src/stores/memory/bodies.js'
import { memoryMetadataStore } from '../../src/stores/memory/metadata.js'
import { sampleKey } from '../support/entries.js'
import { bodyStoreSuite } from './body-store.suite.js'
import { metadataStoreSuite } from './metadata-store.suite.js'

metadataStoreSuite(
  'memory',
  async () => {
    const store = memoryMetadataStore()
    return { store, cleanup: () => store.close() }
  },
  { volatile: true, local: true },
)

bodyStoreSuite('memory', async () => {
  const store = memoryBodyStore({ maxBytes: 256 * 1_048_576 })
  return { store, cleanup: () => store.close() }
})

describe('memory stores', () => {
  test('lookup answers at once, without a promise', () => {
    expect(memoryMetadataStore().lookup(sampleKey(1))).toMatchObject({ entries: [], fence: { seq: 0 } })
  })

  test('two stores have two epochs', async () => {
    const [a, b] = await Promise.all([1, 2].map(() => memoryMetadataStore().lookup(sampleKey(1))))
    expect(a!.fence.epoch).not.toBe(b!.fence.epoch)
  })

  test('bodies beyond the limit are refused, and removal and abort give room back', async () => {
    const store = memoryBodyStore({ maxBytes: 100 })
    const refused = async (work: Promise<unknown> | undefined) =>
      isStrataError(await work?.catch((e: unknown) => e), 'STRATA_STORE_UNAVAILABLE')
    await store.put('a', Buffer.alloc(60))
    expect(await refused(store.put('b', Buffer.alloc(41)))).toBe(true)
    const sink = store.sink('c')
    expect(sink.write(Buffer.alloc(30))).toBeUndefined()
    expect(await refused(sink.write(Buffer.alloc(30)))).toBe(true)
    await sink.abort()
    await store.put('b', Buffer.alloc(40))
    await store.put('b', Buffer.alloc(0))
    await store.remove(['a'])
    await store.put('d', Buffer.alloc(100))
    expect((await store.get('d')).length).toBe(100)
  })
})
