import { describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { Fence } from '../../../../src/engine/fence/fence.js'
import { encodeMark } from '../../../../src/engine/fence/mark-codec.js'
import type { HeldMark } from '../../../../src/engine/fence/mark-index.js'
import { concerns, newMark, type Criteria, type Mark } from '../../../../src/engine/fence/mark.js'
import type { MetadataStore } from '../../../../src/engine/ports/index.js'
import { memoryMetadataStore } from '../../../../src/stores/memory/index.js'
import { sampleEntry, sampleKey, storeEntry, T0 } from '../../../support/entries.js'

const mark = (criteria: Criteria, soft = false): Mark => newMark(criteria, { soft, at: T0 })
const text = (criteria: Criteria, soft = false) => encodeMark(mark(criteria, soft))

function fenceOn(store: MetadataStore, maxMarks = 1000) {
  const onReset = jest.fn<() => void>()
  const onMarks = jest.fn<(marks: readonly HeldMark[]) => void>()
  return { fence: new Fence(store, { maxMarks, onReset, onMarks }), onReset, onMarks }
}

/** A store whose answers to one method can be held back. */
function gated(store: MetadataStore, method: 'marksAfter' | 'commit' | 'lookup') {
  let gate: Promise<void> | undefined
  let open = () => {}
  let waiting = 0
  const real = store[method].bind(store) as (...args: unknown[]) => unknown
  const proxy = Object.create(store) as MetadataStore
  Object.assign(proxy, {
    [method]: async (...args: unknown[]) => {
      const answer = await real(...args)
      if (gate !== undefined) {
        waiting++
        await gate
      }
      return answer
    },
  })
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(store))) {
    const member = (store as unknown as Record<string, unknown>)[name]
    if (name !== method && name !== 'constructor' && typeof member === 'function') {
      Object.assign(proxy, { [name]: (member as (...args: unknown[]) => unknown).bind(store) })
    }
  }
  return {
    store: proxy,
    hold: () => (gate = new Promise<void>(resolve => (open = resolve))),
    release: () => {
      gate = undefined
      open()
    },
    waiting: () => waiting,
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

describe('verdict equals a naive model', () => {
  const keys = [sampleKey('a'), sampleKey('b')]
  const urls = ['http://h/a', 'http://h/a?q=1', 'https://i:8/b/c.png']
  const criteria = fc.constantFrom<Criteria>(
    { all: true },
    { key: keys[0]! },
    { key: keys[1]! },
    { tag: 'x' },
    { tag: 'y' },
    { url: urls[0]! },
    { url: '/a?q=1' },
    { prefix: '/b' },
    { prefix: 'http://h/' },
    { host: 'i' },
    { pattern: '/**/*.png' },
    { tag: 'x', host: 'h' },
    { status: 404 },
    { status: 200, contentType: 'image/*' },
    { olderThan: T0 + 5 },
    { minBytes: 100, tag: 'y' },
  )
  const entry = fc.record({
    key: fc.constantFrom(...keys),
    url: fc.constantFrom(...urls),
    tags: fc.subarray(['x', 'y', 'z']),
    status: fc.constantFrom(200, 404),
    responseTime: fc.constantFrom(T0, T0 + 10),
    size: fc.constantFrom(0, 200),
    at: fc.nat(8),
  })
  const round = fc.array(fc.record({ criteria, soft: fc.boolean() }), { minLength: 1, maxLength: 3 })

  test('over random histories of marks and entries', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(round, { maxLength: 8 }),
        fc.array(entry, { minLength: 1, maxLength: 8 }),
        async (rounds, drafts) => {
          const store = memoryMetadataStore()
          const { fence } = fenceOn(store)
          await fence.load()
          const states = [fence.state()]
          const log: { seq: number; mark: Mark }[] = []
          for (const [i, marks] of rounds.entries()) {
            const made = marks.map(m => mark(m.criteria, m.soft))
            // Every other one comes from another node.
            const state =
              i % 2 === 0 ? await fence.invalidate(made) : await store.invalidate(made.map(encodeMark))
            await fence.observe(state)
            for (const m of made) log.push({ seq: state.seq, mark: m })
            states.push(state)
          }
          for (const draft of drafts) {
            const stamp = states[draft.at % states.length]!
            const body = { ...sampleEntry().body, size: draft.size }
            const e = sampleEntry({ ...draft, stamp, body })
            const about = log.filter(l => l.seq > stamp.seq && concerns(l.mark, e))
            const expected = about.some(l => !l.mark.soft) ? 'dead' : about.length > 0 ? 'soft' : 'live'
            expect(fence.verdict(e)).toBe(expected)
            expect(fence.killer(e)).toBe(about.find(l => !l.mark.soft)?.seq)
            // An entry in memory that was last checked at any later time: the same, if it was live then.
            for (const checked of states.filter(s => s.seq >= stamp.seq)) {
              const before = about.filter(l => l.seq <= checked.seq)
              if (before.length === 0) expect(fence.verdict(e, checked.seq)).toBe(expected)
            }
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('verdict', () => {
  test('another epoch, and a stamp from the future, are dead', async () => {
    const { fence } = fenceOn(memoryMetadataStore())
    await fence.load()
    const { epoch, seq } = fence.state()
    expect(fence.verdict(sampleEntry({ stamp: { epoch, seq } }))).toBe('live')
    expect(fence.verdict(sampleEntry({ stamp: { epoch: 'other', seq } }))).toBe('dead')
    expect(fence.verdict(sampleEntry({ stamp: { epoch, seq: seq + 1 } }))).toBe('dead')
  })

  test('everything is dead before the log was read', () => {
    const { fence } = fenceOn(memoryMetadataStore())
    expect(fence.verdict(sampleEntry())).toBe('dead')
  })

  test('a mark that this version cannot read kills all that is older', async () => {
    const store = memoryMetadataStore()
    const { fence } = fenceOn(store)
    await fence.load()
    const stamp = fence.state()
    await fence.observe(await store.invalidate(['{"v":2,"is":{"layer":"roads"}}']))
    expect(fence.verdict(sampleEntry({ stamp }))).toBe('dead')
    expect(fence.verdict(sampleEntry({ stamp: fence.state() }))).toBe('live')
  })

  test('an entry in memory last checked before dropped marks is dead: they cannot be held against it any more', async () => {
    const { fence } = fenceOn(memoryMetadataStore())
    await fence.load()
    const stamp = fence.state()
    const e = sampleEntry({ stamp })
    const { seq } = await fence.invalidate([mark({ tag: e.tags[0]! })])
    await fence.retire(seq)
    expect(fence.verdict(e, stamp.seq)).toBe('dead')
    expect(fence.verdict(e, seq)).toBe('live')
  })
})

describe('observe', () => {
  test('is undefined when the mirror is up to date, and reads the log once for many callers', async () => {
    const store = memoryMetadataStore()
    const reads = jest.spyOn(store, 'marksAfter')
    const { fence, onMarks } = fenceOn(store)
    await fence.load()
    expect(fence.observe(fence.state())).toBeUndefined()
    const state = await store.invalidate([text({ tag: 'a' })])
    reads.mockClear()
    await Promise.all([1, 2, 3, 4, 5].map(() => fence.observe(state)))
    expect(reads).toHaveBeenCalledTimes(1)
    expect(onMarks).toHaveBeenCalledTimes(1)
    expect(fence.state()).toEqual(state)
    expect(fence.observe(state)).toBeUndefined()
  })

  test('who asks for more than a running read has seen gets another', async () => {
    const inner = memoryMetadataStore()
    const gate = gated(inner, 'marksAfter')
    const { fence } = fenceOn(gate.store)
    await fence.load()
    const first = await inner.invalidate([text({ tag: 'a' })])
    gate.hold()
    const one = fence.observe(first)
    await until(() => gate.waiting() === 1)
    const second = await inner.invalidate([text({ tag: 'b' })])
    const two = fence.observe(second)
    gate.release()
    await Promise.all([one, two])
    expect(fence.state()).toEqual(second)
  })

  test('catches up over many pages', async () => {
    const store = memoryMetadataStore()
    const { fence } = fenceOn(store, 10_000)
    await fence.load()
    for (let i = 0; i < 2500; i++) await store.invalidate([text({ tag: `t${i}` })])
    await fence.observe((await store.lookup(sampleKey(1))).fence)
    expect(fence.marks()).toHaveLength(2500)
  })

  test('a failed read is told to all who wait, and the next one tries again', async () => {
    const store = memoryMetadataStore()
    const { fence } = fenceOn(store)
    await fence.load()
    const state = await store.invalidate([text({ all: true })])
    jest.spyOn(store, 'marksAfter').mockRejectedValueOnce(new Error('down'))
    const results = await Promise.allSettled([fence.observe(state), fence.observe(state)])
    expect(results[0]).toMatchObject({ status: 'rejected' })
    await fence.observe(state)
    expect(fence.state()).toEqual(state)
  })

  test('a new epoch resets: its whole log is read, memory is dropped, older entries are dead', async () => {
    const old = memoryMetadataStore()
    const { store, become } = swappable(old)
    const { fence, onReset } = fenceOn(store)
    await fence.load()
    await fence.invalidate([mark({ tag: 'a' })])
    await fence.invalidate([mark({ tag: 'b' })])
    const stamp = fence.state()
    expect(onReset).not.toHaveBeenCalled()
    const fresh = memoryMetadataStore()
    const state = await fresh.invalidate([text({ tag: 'c' })])
    become(fresh)
    await fence.observe(state)
    expect(fence.state()).toEqual(state)
    expect(onReset).toHaveBeenCalled()
    expect(fence.marks().map(held => held.mark.tag)).toEqual(['c'])
    expect(fence.verdict(sampleEntry({ stamp }))).toBe('dead')
  })

  test('marks retired unseen: memory is dropped', async () => {
    const store = memoryMetadataStore()
    const { fence, onReset } = fenceOn(store)
    await fence.load()
    await store.invalidate([text({ tag: 'first' })])
    await fence.refresh()
    const { seq } = await store.invalidate([text({ tag: 'a' })])
    await store.retireMarks(seq, false)
    await fence.observe(await store.invalidate([text({ tag: 'b' })]))
    expect(onReset).toHaveBeenCalled()
    expect(fence.marks().map(held => held.mark.tag)).toEqual(['b'])
  })
})

function swappable(first: MetadataStore): { store: MetadataStore; become: (next: MetadataStore) => void } {
  let current = first
  const store = new Proxy(first, {
    get: (_, name) => {
      const member = Reflect.get(current, name) as unknown
      return typeof member === 'function' ? member.bind(current) : member
    },
  })
  return { store, become: next => (current = next) }
}

describe('lookup', () => {
  test('answers without a promise when the store does and nothing is new', async () => {
    const store = memoryMetadataStore()
    const { fence } = fenceOn(store)
    await fence.load()
    const { entry } = await storeEntry(store)
    const found = fence.lookup(entry.key)
    expect(found).not.toBeInstanceOf(Promise)
    expect(found).toMatchObject({ entries: [entry] })
  })

  test('an entry read before its mark was swept and retired is not taken for live', async () => {
    const inner = memoryMetadataStore()
    const gate = gated(inner, 'lookup')
    const { fence } = fenceOn(gate.store)
    await fence.load()
    const { entry } = await storeEntry(inner, { tags: ['t'] })
    await inner.invalidate([text({ tag: 't' })])
    gate.hold()
    const pending = fence.lookup(entry.key)
    await until(() => gate.waiting() === 1)
    // Another node sweeps and retires while this answer is on its way; this node learns of it in between.
    await inner.remove([{ key: entry.key, variant: entry.variant, bodyId: entry.body.id }])
    await inner.retireMarks((await fenceNow(inner)).seq, false)
    await fence.refresh()
    gate.release()
    expect((await pending).entries.filter(e => fence.verdict(e) !== 'dead')).toEqual([])
  })
})

async function fenceNow(store: MetadataStore) {
  return (await store.lookup(sampleKey('fence'))).fence
}
