import { toEngineSettings, type StrataConfig } from '../config/index.js'
import { systemClock } from '../engine/clock.js'
import { Fence } from '../engine/fence/fence.js'
import { viewOfJob, type JobOptions, type JobView } from '../engine/jobs/job.js'
import { Jobs } from '../engine/jobs/jobs.js'
import { Rebuild } from '../engine/rebuild/rebuild.js'
import { reconcile } from '../engine/reconcile.js'
import { OrphanBodies } from '../engine/sweep/orphan-bodies.js'
import { systemTimers } from '../engine/timers.js'
import { messageOf } from '../errors.js'
import { Layers } from '../tiles/layer/layers.js'
import { tileBook } from '../tiles/tile-book.js'
import { openStoresFromOutside } from './stores-from-outside.js'

/**
 * Reconciles the stores of a configuration from a process of its own, as a job that the running nodes see and that waits for theirs.
 * @param warn is told what goes wrong on the way, in one line
 * @throws ConfigError for a backend that no other process can see; StrataError when a store can't be opened
 */
export async function reconcileStores(
  config: StrataConfig,
  options: JobOptions,
  warn: (line: string) => void,
): Promise<JobView> {
  const { stores } = await openStoresFromOutside(config, 'there is nothing to reconcile from outside', warn)
  try {
    const { metadata, bodies } = stores
    const timing = { clock: systemClock, timers: systemTimers }
    const jobs = new Jobs({
      ...timing,
      store: stores.jobs,
      pace: config.sweep.pace,
      onError: error => warn(messageOf(error)),
    })
    const orphans = new OrphanBodies(metadata, bodies, {
      timers: systemTimers,
      graceMs: config.sweep.bodyGraceMs,
      onError: error => warn(messageOf(error)),
    })
    const { limits, sweep, rules, tiles } = toEngineSettings(config)
    const fence = new Fence(metadata, {
      maxMarks: limits.maxMarks,
      onReset: () => {},
      onMarks: () => {},
      tiles: tileBook(new Layers(rules, tiles)),
    })
    const rebuild = () => new Rebuild({ metadata, bodies, fence, clock: systemClock, ...limits })
    const parts = { metadata, bodies, orphans, clock: systemClock, graceMs: sweep.reconcileGraceMs, rebuild }
    jobs.register('reconcile', (pass, asked) => pass.run(() => reconcile(parts, pass, asked), systemClock))
    // Timers of the engine keep no process alive: this one is to live until its work is done.
    const alive = setInterval(() => {}, 1000)
    try {
      const job = await jobs.request('reconcile', 'asked', options).ended
      await jobs.stop()
      await orphans.drained()
      return viewOfJob(job)
    } finally {
      clearInterval(alive)
    }
  } finally {
    await stores.close()
  }
}
