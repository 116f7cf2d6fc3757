import { expect, jest, test } from '@jest/globals'
import { setImmediate as turn } from 'node:timers/promises'
import { loadConfig, toEngineSettings } from '../../../src/config/index.js'
import { memoryBodyStore, memoryMetadataStore } from '../../../src/stores/memory/index.js'
import { engineNode, promptOrigin } from '../../support/engine-nodes.js'
import { clientGet } from '../../support/requests.js'

const PAGE = 'http://h/a'
const settings = toEngineSettings(
  loadConfig({
    options: {
      http: { storePost: true },
      memory: { maxEntries: 100, maxBytes: 1e6 },
      limits: { hitForMissEntries: 100 },
    },
  }),
)

/** A store whose commits wait for `release`. */
function slowToCommit() {
  const metadata = memoryMetadataStore()
  const commit = metadata.commit.bind(metadata)
  let release = () => {}
  const released = new Promise<void>(resolve => (release = resolve))
  const commits = jest.spyOn(metadata, 'commit').mockImplementation(async (...args) => {
    await released
    return commit(...args)
  })
  return { metadata, commits, release }
}

test('a GET that follows a stored POST waits for its commit instead of asking the origin', async () => {
  const { metadata, commits, release } = slowToCommit()
  const node = await engineNode({ metadata, bodies: memoryBodyStore({ maxBytes: 1e9 }) }, settings)
  const origin = promptOrigin(() => ({
    fields: ['Cache-Control', 'max-age=600', 'Content-Location', '/a', 'Content-Length', '6'],
    body: 'posted',
  }))
  const post = { ...clientGet(PAGE), method: 'POST' }
  expect(await node.get(post, origin)).toMatchObject({ status: 200, body: 'posted' })
  while (commits.mock.calls.length === 0) await turn()

  const given = node.get(clientGet(PAGE), origin)
  // It waits, or it has asked.
  while (node.parts.stats.followers === 0 && origin.targets.length < 2) await turn()
  release()
  expect(await given).toMatchObject({ body: 'posted', outcome: { result: 'HIT' } })
  expect(origin.targets).toEqual(['/a'])
})
