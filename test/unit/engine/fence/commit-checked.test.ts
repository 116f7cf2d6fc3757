import { describe, expect, jest, test } from '@jest/globals'
import { Fence } from '../../../../src/engine/fence/fence.js'
import { encodeMark } from '../../../../src/engine/fence/mark-codec.js'
import { newMark, type Criteria, type Mark } from '../../../../src/engine/fence/mark.js'
import type { Entry, MetadataStore } from '../../../../src/engine/ports/index.js'
import { memoryMetadataStore } from '../../../../src/stores/memory/index.js'
import { sampleEntry, T0 } from '../../../support/entries.js'

const mark = (criteria: Criteria, soft = false): Mark => newMark(criteria, { soft, at: T0 })
const text = (criteria: Criteria, soft = false) => encodeMark(mark(criteria, soft))

function fenceOn(store: MetadataStore, maxMarks = 1000) {
  const onReset = jest.fn<() => void>()
  return { fence: new Fence(store, { maxMarks, onReset, onMarks: () => {} }), onReset }
}

describe('commitChecked', () => {
  async function ready(store: MetadataStore, overrides: Partial<Entry> = {}) {
    const { fence } = fenceOn(store)
    await fence.load()
    const entry = sampleEntry({ stamp: fence.state(), ...overrides })
    await store.reserveBody(entry.body.id, Date.now() + 60_000)
    return { fence, entry }
  }

  test('a mark that comes between check and commit, about something else: committed at the second try', async () => {
    const store = memoryMetadataStore()
    const { fence, entry } = await ready(store)
    const commits = jest.spyOn(store, 'commit')
    await store.invalidate([text({ tag: 'another' })])
    expect(await fence.commitChecked(entry, { maxVariants: 5 })).toEqual({ ok: true, seq: 1 })
    expect(commits).toHaveBeenCalledTimes(2)
    expect((await store.lookup(entry.key)).entries).toEqual([entry])
  })

  test('a mark about the entry: dead, nothing stored', async () => {
    const store = memoryMetadataStore()
    const { fence, entry } = await ready(store)
    await store.invalidate([text({ key: entry.key })])
    expect(await fence.commitChecked(entry, { maxVariants: 5 })).toEqual({ ok: false, reason: 'dead' })
    expect((await store.lookup(entry.key)).entries).toEqual([])
  })

  test('a soft mark: committed, and stale', async () => {
    const store = memoryMetadataStore()
    const { fence, entry } = await ready(store)
    await store.invalidate([text({ key: entry.key }, true)])
    expect(await fence.commitChecked(entry, { maxVariants: 5 })).toEqual({ ok: true, seq: 1 })
    expect(fence.verdict(entry)).toBe('soft')
  })

  test('gives up when invalidations never stop', async () => {
    const store = memoryMetadataStore()
    const { fence, entry } = await ready(store)
    const commit = store.commit.bind(store)
    const commits = jest.spyOn(store, 'commit').mockImplementation(async (...args) => {
      await store.invalidate([text({ tag: 'another' })])
      return commit(...args)
    })
    expect(await fence.commitChecked(entry, { maxVariants: 5 })).toMatchObject({ ok: false, reason: 'fence' })
    expect(commits).toHaveBeenCalledTimes(32)
  })
})

describe('the limit of live marks', () => {
  test('the oldest half is folded: older entries are dead, newer ones live on', async () => {
    const store = memoryMetadataStore()
    const { fence, onReset } = fenceOn(store, 16)
    await fence.load()
    const stamps = [fence.state()]
    for (let i = 0; i < 16; i++) stamps.push(await fence.invalidate([mark({ tag: `none${i}` })]))
    expect(onReset).not.toHaveBeenCalled()
    const verdicts = () => stamps.map(stamp => fence.verdict(sampleEntry({ stamp })))
    expect(verdicts().every(v => v === 'live')).toBe(true)
    await fence.invalidate([mark({ tag: 'one more' })])
    expect(onReset).toHaveBeenCalled()
    expect(await store.markCount()).toBe(8)
    expect(verdicts()).toEqual([...Array<string>(9).fill('dead'), ...Array<string>(8).fill('live')])
  })

  test('a node with a smaller limit than the log keeps to its own, on the safe side', async () => {
    const store = memoryMetadataStore()
    const { fence } = fenceOn(store, 16)
    await fence.load()
    const stamp = fence.state()
    for (let i = 0; i < 100; i++) await store.invalidate([text({ tag: `none${i}` })])
    await fence.refresh()
    expect(fence.marks().length).toBeLessThanOrEqual(32)
    expect(fence.verdict(sampleEntry({ stamp }))).toBe('dead')
  })
})
