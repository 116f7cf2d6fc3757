import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { ListedEntry, MetadataStore } from '../../../src/engine/ports/index.js'
import { sampleBody, sampleEntry, sampleKey, T0 } from '../../support/entries.js'
import type { Current } from '../metadata-store.suite.js'

const RETRY_MS = 60_000
const some = fc.nat({ max: 3 })

const steps = fc.oneof(
  {
    arbitrary: fc.record({ op: fc.constant('reserve' as const), body: some, until: fc.nat({ max: 50 }) }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      op: fc.constant('commit' as const),
      key: some,
      variant: some,
      body: some,
      at: fc.nat({ max: 1_000 }),
      replaces: fc.array(some, { maxLength: 2 }),
      maxVariants: fc.integer({ min: 1, max: 4 }),
      refresh: fc.boolean(),
    }),
    weight: 8,
  },
  {
    arbitrary: fc.record({ op: fc.constant('remove' as const), key: some, variant: some, body: some }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      op: fc.constant('touch' as const),
      key: some,
      variant: some,
      at: fc.nat({ max: 2_000 }),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ op: fc.constant('release' as const), body: some }), weight: 1 },
  {
    arbitrary: fc.record({ op: fc.constant('sweep' as const), limit: fc.integer({ min: 1, max: 4 }) }),
    weight: 1,
  },
  { arbitrary: fc.record({ op: fc.constant('forget' as const), body: some }), weight: 1 },
)
type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never

const bodies = [10, 200, 3_000, 40_000].map((size, i) => sampleBody(`invariant ${i}`, size))

async function run(store: MetadataStore, step: Step): Promise<void> {
  if (step.op === 'reserve') await store.reserveBody(bodies[step.body]!.id, T0 + step.until)
  else if (step.op === 'release') await store.releaseBody(bodies[step.body]!.id)
  else if (step.op === 'sweep') await store.orphans(T0 + 25, step.limit)
  else if (step.op === 'forget') await store.forget([bodies[step.body]!.id])
  else if (step.op === 'touch') {
    await store.touch([{ key: sampleKey(step.key), variant: `v${step.variant}`, hits: 1, at: T0 + step.at }])
  } else if (step.op === 'remove') {
    await store.remove([
      { key: sampleKey(step.key), variant: `v${step.variant}`, bodyId: bodies[step.body]!.id },
    ])
  } else {
    const { fence } = await store.lookup(sampleKey(step.key))
    const body = bodies[step.body]!
    const [key, variant, responseTime] = [sampleKey(step.key), `v${step.variant}`, T0 + step.at]
    await store.commit(sampleEntry({ key, variant, responseTime, body, stamp: fence }), {
      checked: fence,
      maxVariants: step.maxVariants,
      replaces: step.replaces.map(n => `v${n}`),
      ...(step.refresh ? { expectBody: body.id } : {}),
    })
  }
}

async function empty(store: MetadataStore): Promise<void> {
  await store.remove(await store.leastRecent(1_000))
  for (const { id } of bodies) await store.releaseBody(id)
  await store.orphans(T0 * 2, 1_000)
  await store.forget(bodies.map(b => b.id))
}

async function listAll(store: MetadataStore): Promise<ListedEntry[]> {
  const all = []
  let cursor: string | undefined
  do {
    const page = await store.list(3, cursor)
    all.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined)
  return all
}

/** Whatever was done, all views of the store agree. */
export function invariantCases(current: Current): void {
  test('after any steps: usage, orders, ledger and list say the same', async () => {
    const { store } = current()
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 30 }), async sequence => {
        await empty(store)
        for (const step of sequence) await run(store, step)
        const listed = await listAll(store)
        const names = listed.map(({ entry }) => `${entry.key} ${entry.variant}`)
        const used = new Map(listed.map(({ entry }) => [entry.body.id, entry.body.size]))
        const sum = (sizes: Iterable<number>) => [...sizes].reduce((a, b) => a + b, 0)

        const { oldest, newest, ...counts } = await store.usage()
        expect(counts).toEqual({
          entries: listed.length,
          bodies: used.size,
          bodyBytes: sum(used.values()),
          entryBytes: sum(listed.map(({ entry }) => entry.body.size)),
        })
        const times = listed.map(({ entry }) => entry.responseTime)
        if (times.length > 0) expect([oldest, newest]).toEqual([Math.min(...times), Math.max(...times)])

        const recent = (await store.leastRecent(1_000)).map(({ key, variant }) => `${key} ${variant}`)
        expect([...recent].sort()).toEqual([...names].sort())
        const access = new Map(listed.map(({ use }, i) => [names[i]!, use.lastAccess]))
        const order = recent.map(name => access.get(name)!)
        expect(order).toEqual([...order].sort((a, b) => a - b))
        expect(
          (await store.useless(T0 * 2, 1_000)).map(({ key, variant }) => `${key} ${variant}`).sort(),
        ).toEqual([...names].sort())

        for (const { entry } of listed) {
          const { entries } = await store.lookup(entry.key)
          expect(entries.find(e => e.variant === entry.variant)).toEqual(entry)
        }
        // No body that an entry refers to is unknown, or was or will be handed out for deletion.
        expect(await store.unknownBodies([...used.keys()])).toEqual([])
        for (const id of used.keys()) expect(await store.reserveBody(id, T0)).toBe('present')
        const dead = [...(await store.orphans(T0 + RETRY_MS * 3, 1_000))]
        expect(dead.filter(id => used.has(id))).toEqual([])
        const known = await store.unknownBodies(bodies.map(b => b.id))
        expect([...dead, ...used.keys(), ...known].sort()).toEqual(bodies.map(b => b.id).sort())
      }),
      { numRuns: 100 },
    )
  })
}
