import { jest } from '@jest/globals'
import { Fence } from '../../src/engine/fence/fence.js'
import { newMark, type Criteria } from '../../src/engine/fence/mark.js'
import type { Entry } from '../../src/engine/ports/index.js'
import { Sweeper, type SweeperParts } from '../../src/engine/sweep/sweeper.js'
import { memoryBodyStore, memoryMetadataStore } from '../../src/stores/memory/index.js'
import { sampleKey, storeEntry } from './entries.js'
import { ManualTime } from './manual-timers.js'

/** A memory store with a fence and a sweeper whose time stands still, and short words for what tests do with it. */
export async function sweptStore(options: Partial<SweeperParts> & { maxMarks?: number } = {}) {
  const metadata = memoryMetadataStore()
  const bodies = memoryBodyStore({ maxBytes: 1e9 })
  const time = new ManualTime()
  const { maxMarks = 1000, ...rest } = options
  const fence = new Fence(metadata, { maxMarks, onReset: () => {}, onMarks: () => {} })
  await fence.load()
  const onError = jest.fn<SweeperParts['onError']>()
  const sweeper = new Sweeper({
    metadata,
    bodies,
    fence,
    sweep: { intervalMs: 0, batch: 3, bodyGraceMs: 0 },
    limits: { maxStoreBytes: 1e9, maxStoreEntries: 1e9, maxMarks },
    clock: time,
    timers: time,
    onError,
    retireAfterMs: 0,
    softWalkMs: 0,
    ...rest,
  })
  const fill = async (name: string, overrides: Partial<Entry> = {}) => {
    const entry = await storeEntry(metadata, {
      key: sampleKey(name),
      url: `http://h/${name}`,
      tags: [],
      ...overrides,
    })
    if (!entry.result.ok) throw new Error(`could not store ${name}: ${entry.result.reason}`)
    await bodies.put(entry.entry.body.id, Buffer.from(`${name}`))
    return entry.entry
  }
  const purge = (criteria: Criteria, soft = false) =>
    fence.invalidate([newMark(criteria, { soft, at: time.now() })])
  const names = async () => {
    const { items } = await metadata.list(10_000)
    return items.map(({ entry }) => entry.url.slice('http://h/'.length)).sort()
  }
  return { metadata, bodies, time, fence, sweeper, fill, purge, names, onError }
}
