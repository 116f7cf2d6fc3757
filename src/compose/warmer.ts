import type { Backend } from '../config/index.js'
import { systemClock } from '../engine/clock.js'
import { Jobs } from '../engine/jobs/jobs.js'
import type { EngineSettings } from '../engine/settings.js'
import type { Stats } from '../engine/stats.js'
import { systemTimers } from '../engine/timers.js'
import type { Experience } from '../engine/warm/estimate.js'
import { Warmer } from '../engine/warm/warmer.js'
import type { Layers } from '../tiles/layer/layers.js'
import { sourceOfPaper } from '../tiles/seed/seeder.js'
import type { Stores } from './stores.js'

interface WarmerNeeds {
  readonly stores: Pick<Stores, 'warmJobs' | 'metadata'>
  readonly settings: EngineSettings
  readonly layers: Layers
  readonly stats: Stats
  readonly backend: Backend
  readonly onError: (error: unknown) => void
}

/** Warming, with a list of jobs of its own: sweeps do not wait for it. */
export function openWarmer({ stores, settings, layers, stats, backend, onError }: WarmerNeeds) {
  const timing = { clock: systemClock, timers: systemTimers }
  // Its own limits are its pace.
  const jobs = new Jobs({ ...timing, store: stores.warmJobs, pace: 1, onError })
  const warmer = new Warmer({
    ...timing,
    jobs,
    store: stores.warmJobs,
    settings: settings.warm,
    sourceOf: paper => sourceOfPaper(paper, layers),
    experience: async layer => experience(await average(stores), stats, layer, settings, backend),
  })
  return { warmer, jobs }
}

/** Bytes of what is stored, on average; null when nothing is, or the store cannot say. */
async function average({ metadata }: WarmerNeeds['stores']): Promise<number | null> {
  const usage = await metadata.usage().catch(() => undefined)
  return usage === undefined || usage.entries === 0 ? null : usage.entryBytes / usage.entries
}

function experience(
  stored: number | null,
  stats: Stats,
  layer: string | undefined,
  { limits }: EngineSettings,
  backend: Backend,
): Experience {
  const seen = stats.tiles.snapshot().find(({ layer: name }) => name === layer)
  const isSeen = seen !== undefined && seen.misses > 0
  const bytes = isSeen ? seen.bytes / seen.requests : stored
  const isInline = bytes !== null && bytes <= limits.inlineBodyBytes
  return {
    bytes,
    originMs: isSeen ? seen.originMs / seen.misses : null,
    from: isSeen ? 'layer' : stored === null ? null : 'store',
    writesPerItem: backend === 's3-redis' && !isInline ? 1 : 0,
  }
}
