import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Fence } from '../../../../src/engine/fence/fence.js'
import { newMark, type Criteria } from '../../../../src/engine/fence/mark.js'
import type { Entry, MetadataStore } from '../../../../src/engine/ports/index.js'
import { Sweeper } from '../../../../src/engine/sweep/sweeper.js'
import { systemTimers } from '../../../../src/engine/timers.js'
import { memoryBodyStore, memoryMetadataStore } from '../../../../src/stores/memory/index.js'
import { sampleBody, sampleEntry, sampleKey, T0 } from '../../../support/entries.js'

/** Yields to everything else a number of times that the run's seed decides. */
type Pause = () => Promise<void>

/** As a remote store: every answer takes a while to come, after the work is done and before. */
function remote(store: MetadataStore, pause: Pause): MetadataStore {
  return new Proxy(store, {
    get: (target, name) => {
      const member = Reflect.get(target, name) as unknown
      if (typeof member !== 'function') return member
      return async (...args: unknown[]) => {
        await pause()
        const result: unknown = await (member as (...a: unknown[]) => unknown).apply(target, args)
        await pause()
        return result
      }
    },
  })
}

const KEYS = ['a', 'b', 'c'].map(sampleKey)
const CRITERIA: readonly Criteria[] = [
  { all: true },
  { tag: 't' },
  { key: KEYS[0]! },
  { key: KEYS[1]! },
  { pattern: '/1' },
]

function concerned(criteria: Criteria, i: number): boolean {
  return criteria.key === undefined ? criteria.pattern === undefined || i === 1 : criteria.key === KEYS[i]
}

/** One node: fence, sweeper, and entries kept in memory with the seq of their last check. */
function node(shared: MetadataStore, pause: Pause, maxMarks: number) {
  const store = remote(shared, pause)
  const memory = new Map<number, { entry: Entry; checked: number }>()
  const fence = new Fence(store, { maxMarks, onReset: () => memory.clear(), onMarks: () => {} })
  const sweeper = new Sweeper({
    metadata: store,
    bodies: memoryBodyStore({ maxBytes: 1e6 }),
    fence,
    sweep: { intervalMs: 0, batch: 2, bodyGraceMs: 0 },
    limits: { maxStoreBytes: 1e9, maxStoreEntries: 1e9, maxMarks },
    clock: { now: () => T0, monotonic: () => 0 },
    timers: systemTimers,
    onError: error => {
      throw error
    },
    retireAfterMs: 0,
    softWalkMs: 0,
  })
  return { store, memory, fence, sweeper }
}

/** Up to 7: so many turns of the microtask queue; from 8 on: so many turns of the event loop, in which sweeps go on. */
async function wait(turns: number): Promise<void> {
  if (turns < 8) for (let n = turns; n > 0; n--) await Promise.resolve()
  else for (let n = turns - 7; n > 0; n--) await new Promise(resolve => setImmediate(resolve))
}

const turns = fc.oneof(
  { weight: 6, arbitrary: fc.nat(7) },
  { weight: 3, arbitrary: fc.integer({ min: 8, max: 10 }) },
  { weight: 1, arbitrary: fc.integer({ min: 15, max: 60 }) },
)

const step = fc.record({
  kind: fc.constantFrom('fill', 'fill', 'read', 'read', 'memory', 'purge', 'sweep', 'sweep'),
  node: fc.nat(1),
  key: fc.nat(KEYS.length - 1),
  criteria: fc.nat(CRITERIA.length - 1),
  soft: fc.boolean(),
  after: turns,
})

test('no read that begins after a purge has returned is answered with what was fetched before it, whatever overtakes what', async () => {
  let served = 0
  let refused = 0
  const scenario = fc.tuple(
    fc.array(step, { minLength: 20, maxLength: 60 }),
    fc.array(turns, { minLength: 29, maxLength: 29 }),
  )
  await fc.assert(
    fc.asyncProperty(scenario, fc.constantFrom(4, 1000), async ([steps, pauses], maxMarks) => {
      let paused = 0
      const pause = async () => {
        await wait(pauses[paused++ % pauses.length]!)
      }
      const shared = memoryMetadataStore()
      const nodes = [node(shared, pause, maxMarks), node(shared, pause, maxMarks)]
      let version = 0
      const purged = KEYS.map(() => 0)

      const actions: Record<string, (s: (typeof steps)[number]) => Promise<void>> = {
        async fill({ node: n, key }) {
          const { fence, store, memory } = nodes[n]!
          const { fence: stamp } = await fence.lookup(KEYS[key]!)
          await pause()
          // The origin's answer, and then the body's way into the store.
          const fetched = version
          const entry = sampleEntry({
            key: KEYS[key]!,
            url: `http://h/${key}`,
            tags: ['t'],
            stamp,
            status: 200 + fetched,
            body: sampleBody(`${fetched}`),
          })
          await store.reserveBody(entry.body.id, Number.MAX_SAFE_INTEGER)
          await pause()
          const result = await fence.commitChecked(entry, { maxVariants: 5 })
          const isLive = (since?: number) => fence.verdict(entry, since) === 'live'
          if (result.ok && isLive() && isLive(result.seq))
            memory.set(key, { entry, checked: fence.state().seq })
          if (!result.ok) refused++
        },
        async read({ node: n, key }) {
          const { fence } = nodes[n]!
          const atLeast = purged[key]!
          const { entries } = await fence.lookup(KEYS[key]!)
          for (const entry of entries) {
            if (fence.verdict(entry) === 'dead') continue
            served++
            expect(entry.status - 200).toBeGreaterThanOrEqual(atLeast)
          }
        },
        async memory({ node: n, key }) {
          const { fence, store, memory } = nodes[n]!
          const atLeast = purged[key]!
          // What a lease stands for: the newest fence is known.
          await fence.observe((await store.lookup(KEYS[key]!)).fence)
          const resident = memory.get(key)
          if (resident === undefined || fence.verdict(resident.entry, resident.checked) !== 'live') return
          resident.checked = fence.state().seq
          served++
          expect(resident.entry.status - 200).toBeGreaterThanOrEqual(atLeast)
        },
        async purge({ node: n, criteria, soft }) {
          const next = ++version
          await nodes[n]!.fence.invalidate([newMark(CRITERIA[criteria]!, { soft, at: T0 })])
          if (soft) return
          KEYS.forEach((_, i) => {
            if (concerned(CRITERIA[criteria]!, i)) purged[i] = Math.max(purged[i]!, next)
          })
        },
        async sweep({ node: n }) {
          expect(await nodes[n]!.sweeper.run()).toMatchObject({ state: 'done' })
        },
      }

      const running: Promise<void>[] = []
      for (const s of steps) {
        running.push(actions[s.kind]!(s))
        await wait(s.after)
      }
      await Promise.all(running)
    }),
    { numRuns: 400 },
  )
  // The oracle has had something to look at.
  expect(served).toBeGreaterThan(1000)
  expect(refused).toBeGreaterThan(100)
})
