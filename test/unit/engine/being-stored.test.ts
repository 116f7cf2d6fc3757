import { beforeEach, describe, expect, test } from '@jest/globals'
import { loadConfig, toEngineSettings } from '../../../src/config/index.js'
import { memoryBodyStore, memoryMetadataStore } from '../../../src/stores/memory/index.js'
import { engineNode, promptOrigin } from '../../support/engine-nodes.js'
import { clientGet } from '../../support/requests.js'

const URL = 'http://h/a'
const SETTINGS = toEngineSettings(
  loadConfig({
    options: {
      defaults: { requestDirectives: 'honour' },
      memory: { maxEntries: 100, maxBytes: 1e6 },
      limits: { hitForMissEntries: 100 },
    },
  }),
)

describe('an answer that is whole, and just being stored', () => {
  let node: Awaited<ReturnType<typeof engineNode>>
  let origin: ReturnType<typeof promptOrigin>
  let commit: () => void
  const ask = (cacheControl?: string) =>
    node.get(clientGet(URL, cacheControl === undefined ? {} : { 'cache-control': cacheControl }), origin)

  beforeEach(async () => {
    const stores = { metadata: memoryMetadataStore(), bodies: memoryBodyStore({ maxBytes: 1e9 }) }
    const released = new Promise<void>(resolve => (commit = resolve))
    const commitNow = stores.metadata.commit.bind(stores.metadata)
    stores.metadata.commit = (...args) => released.then(() => commitNow(...args))
    node = await engineNode(stores, SETTINGS)
    origin = promptOrigin(() => ({ fields: ['Cache-Control', 'max-age=600'], body: 'x' }))
    await ask()
  })

  test('is given to who asks for no more', async () => {
    const { outcome } = await ask()
    expect([outcome.result, outcome.detail]).toEqual(['HIT', 'being-stored'])
    expect(origin.targets).toHaveLength(1)
  })

  test.each([
    ['no-cache', 'MISS', 2],
    ['max-age=0', 'MISS', 2],
    ['max-age=60', 'HIT', 1],
  ])('is held against %s as any stored one: %s', async (directive, result, requests) => {
    const asked = ask(directive)
    await new Promise(resolve => setImmediate(resolve))
    commit()
    const { outcome } = await asked
    expect([outcome.result, origin.targets.length]).toEqual([result, requests])
    expect(outcome.detail).not.toBe('being-stored')
  })
})
