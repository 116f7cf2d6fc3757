import { Fence } from '../../src/engine/fence/fence.js'
import { Jobs } from '../../src/engine/jobs/jobs.js'
import { Operator, type OperatorParts } from '../../src/engine/operator.js'
import type { BodyStore, Entry, MetadataStore } from '../../src/engine/ports/index.js'
import { reconcile } from '../../src/engine/reconcile.js'
import { Stats } from '../../src/engine/stats.js'
import { Sweeper } from '../../src/engine/sweep/sweeper.js'
import { systemTimers, type Timers } from '../../src/engine/timers.js'
import { memoryBodyStore, memoryJobStore, memoryMetadataStore } from '../../src/stores/memory/index.js'
import { sampleBody, sampleKey, storeEntry, T0 } from './entries.js'

/** A memory store with what an operator works on, at the fixed time `T0 + 10 s`; entries are fresh for 60 s. */
export async function operatedCache(
  options: Partial<OperatorParts> & { timers?: Timers; maxMarks?: number } = {},
) {
  const metadata = options.metadata ?? memoryMetadataStore()
  const bodies: BodyStore = options.bodies ?? memoryBodyStore({ maxBytes: 1e9 })
  const { maxMarks = 1000, timers = systemTimers } = options
  const fence = new Fence(metadata, { maxMarks, onReset: () => {}, onMarks: () => {} })
  await fence.load()
  const clock = { now: () => T0 + 10_000, monotonic: () => performance.now() }
  const stats = new Stats(T0)
  const sweeper = new Sweeper({
    metadata,
    bodies,
    fence,
    sweep: { intervalMs: 0, batch: 50, bodyGraceMs: 0 },
    limits: { maxStoreBytes: 1e9, maxStoreEntries: 1e9, maxMarks },
    clock,
    timers,
    onError: () => {},
  })
  const jobs = new Jobs({ store: memoryJobStore(), clock, timers, pace: 1, onError: () => {} })
  jobs.register('sweep', pass => sweeper.runPass(pass))
  jobs.register('reconcile', (pass, asked) =>
    pass.run(
      () => reconcile({ metadata, bodies, orphans: sweeper.orphans, clock, graceMs: 0 }, pass, asked),
      clock,
    ),
  )
  const operator = new Operator({
    jobs,
    metadata,
    bodies,
    fence,
    sweeper,
    stats,
    clock,
    timers,
    limits: { maxMarks },
    backend: 'memory',
    namespace: 'test',
    freshUntil: entry => entry.responseTime + 60_000,
    ...options,
  })
  return {
    metadata,
    bodies,
    fence,
    stats,
    sweeper,
    jobs,
    operator,
    fill: (name: string, extra?: Partial<Entry>) => fill(metadata, name, extra),
  }
}

/** Stores an entry for `http://h/{name}` whose body is `name`. */
async function fill(store: MetadataStore, name: string, extra: Partial<Entry> = {}): Promise<Entry> {
  const { entry, result } = await storeEntry(store, {
    key: sampleKey(name),
    url: `http://h/${name}`,
    tags: [],
    body: sampleBody(name),
    ...extra,
  })
  if (!result.ok) throw new Error(`could not store ${name}: ${result.reason}`)
  return entry
}
