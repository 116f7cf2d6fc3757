import type { Logger } from 'pino'
import { resolveBackend, toEngineSettings, type StrataConfig } from '../config/index.js'
import type { AnswerFields } from '../engine/answer-fields.js'
import { systemClock } from '../engine/clock.js'
import { Journey } from '../engine/journey.js'
import { Jobs } from '../engine/jobs/jobs.js'
import { JobLanes } from '../engine/jobs/lanes.js'
import type { Lease } from '../engine/lease.js'
import type { Operator, OperatorParts } from '../engine/operator.js'
import type { Origin } from '../engine/origin.js'
import { QuietEvents } from '../engine/quiet-events.js'
import { reconcile } from '../engine/reconcile.js'
import { Rebuild } from '../engine/rebuild/rebuild.js'
import { Refresher, type RefresherParts } from '../engine/refresh/refresher.js'
import { Rules } from '../engine/rules.js'
import { Sweeper } from '../engine/sweep/sweeper.js'
import { systemTimers } from '../engine/timers.js'
import type { WarmThrough } from '../engine/warm/warmer.js'
import { messageOf } from '../errors.js'
import { CoverageReports } from '../tiles/census/coverage-reports.js'
import { Layers } from '../tiles/layer/layers.js'
import { Seeder } from '../tiles/seed/seeder.js'
import { TileOperator } from '../tiles/tile-operator.js'
import { tileBook } from '../tiles/tile-book.js'
import { accessLogger } from '../server/access-log.js'
import type { Health } from '../server/admin/index.js'
import type { Recorder } from '../server/middleware.js'
import { closeAll } from './close-all.js'
import { buildOperator, freshUntilBy, healthOf } from './operator.js'
import { buildParts } from './parts.js'
import { openStores, type Stores } from './stores.js'
import { openWarmer } from './warmer.js'

/** Among what is pending: it holds everywhere, but a rebuild after a loss of Redis would not know of it. */
const UNNOTED = 's3'

export interface Engine {
  readonly journey: Journey
  readonly operator: Operator
  /** The same for map layers. */
  readonly tiles: TileOperator
  /** What fills the cache ahead of clients. */
  readonly seeder: Seeder
  readonly health: Health
  readonly recorder: Recorder
  readonly backend: { readonly backend: string; readonly why: string }
  readonly answers: AnswerFields
  /** What the admin side keeps in the stores. */
  readonly stores: Pick<Stores, 'apiKeys' | 'limiters' | 'nodes'>
  /** From now on, what a purge hits is fetched again through this origin, if the settings say so (`refreshAfterPurge`). */
  refreshThrough(origin: Origin, requestFor: RefresherParts['requestFor']): void
  /** From now on, this node does jobs of warming. */
  warmThrough(through: Pick<WarmThrough, 'origin' | 'requestFor'>): void
  /** Waits until what is being fetched now is stored, at most as long as requests have to end (`server.drainTimeoutMs`). */
  settle(): Promise<void>
  /** Closes every part, whatever becomes of the others. @throws the first error of them */
  close(): Promise<void>
}

/** Builds and starts a cache's engine on the stores of its backend. */
export async function openEngine(
  config: StrataConfig,
  log: Logger,
  logsAccess: boolean,
  siblings?: OperatorParts['siblings'],
): Promise<Engine> {
  const settings = toEngineSettings(config)
  const layers = new Layers(settings.rules, settings.tiles)
  const tiles = tileBook(layers)
  const backend = resolveBackend(config)
  const { warn } = new QuietEvents((what, details) => log.warn({ what, ...details }, what), systemClock)
  const failpoints = await failpointsOfTests()
  const opened = await openStores(backend.backend, config, warn)
  const stores = failpoints?.withStores(opened) ?? opened
  const parts = buildParts(stores, settings, tiles, warn, {
    onMarks: () => sweeper.relieve(),
    onOver: () => {
      if (settings.sweep.intervalMs > 0) sweeper.poke()
    },
  })
  const jobs = new Jobs({
    store: stores.jobs,
    clock: systemClock,
    timers: systemTimers,
    pace: settings.sweep.pace,
    onError: error => warn('jobs-failed', { error: messageOf(error) }),
  })
  const { warmer, jobs: warmJobs } = openWarmer({
    ...{ stores, settings, layers, stats: parts.stats, backend: backend.backend },
    onError: error => warn('jobs-failed', { error: messageOf(error) }),
  })
  const sweeper: Sweeper = new Sweeper({
    ...parts,
    request: cause => jobs.request('sweep', cause),
    sweep: settings.sweep,
    limits: settings.limits,
    timers: systemTimers,
    onError: error => warn('sweep-failed', { error: messageOf(error) }),
  })
  const { hostHeader } = config.proxy
  const portless = config.origin !== undefined && hostHeader === 'origin'
  const reconciling = {
    ...parts,
    orphans: sweeper.orphans,
    graceMs: settings.sweep.reconcileGraceMs,
    rebuild: () => new Rebuild({ ...parts, ...settings.limits }),
  }
  jobs.register('sweep', pass => sweeper.runPass(pass))
  jobs.register('reconcile', (pass, options) =>
    pass.run(() => reconcile(reconciling, pass, options), systemClock),
  )
  let refresher: Refresher | undefined
  const operator = buildOperator(
    parts,
    { sweeper, jobs },
    {
      backend: backend.backend,
      namespace: config.namespace,
      portless,
      refresher: () => refresher?.collector(),
      bodyRequests: stores.bodyRequests,
      jobBook: new JobLanes([jobs, warmJobs]),
      siblings,
      settle: async fence => {
        const pending = await parts.lease.settle(fence)
        return stores.horizon?.covers(fence) === false ? [...pending, UNNOTED] : pending
      },
    },
  )
  const coverage = new CoverageReports({
    ...parts,
    layers,
    freshUntil: freshUntilBy(new Rules(settings, tiles)),
    timers: systemTimers,
    pace: settings.sweep.pace,
  })
  failpoints?.withLease(parts.lease)
  try {
    await parts.fence.load()
  } catch (error) {
    // P5: it is found when it comes up; until then requests go to the origin, and /ready says so.
    warn('store-unavailable-at-start', { backend: backend.backend, error: messageOf(error) })
  }
  parts.lease.start()
  jobs.start()
  sweeper.start()
  const journey = new Journey(parts)
  const settle = async () => {
    // Another node goes on with it.
    await closeAll([() => warmJobs.stop(), () => atMost(config.server.drainTimeoutMs, journey.settled())])
  }
  const tileOperator = new TileOperator(layers, operator, coverage)
  return {
    journey,
    operator,
    tiles: tileOperator,
    seeder: new Seeder(tileOperator, warmer, settings.warm.site),
    health: healthOf(operator),
    recorder: accessLogger(parts.stats, logsAccess ? log : undefined),
    backend,
    answers: parts.answers,
    stores,
    refreshThrough: (origin, requestFor) => {
      if (settings.refreshAfterPurge.rate === 0) return
      const timing = { clock: systemClock, timers: systemTimers }
      const found = {
        ...timing,
        journey,
        origin,
        requestFor,
        rules: new Rules(settings, tiles),
        events: { warn },
      }
      refresher = new Refresher(found, settings.refreshAfterPurge)
    },
    warmThrough: through => {
      warmer.through({ ...through, journey, clock: systemClock })
      warmJobs.start()
    },
    settle,
    close: () =>
      closeAll([
        () => refresher?.stop(),
        settle,
        () => parts.lease.stop(),
        () => parts.owed.stop(),
        () => coverage.stop(),
        () => jobs.stop(),
        () => sweeper.stop(),
        () => parts.accessLog.flush(),
        () => stores.close(),
      ]),
  }
}

/** What test/fault stops and kills processes by: nothing of it is loaded anywhere else. */
async function failpointsOfTests() {
  const { NODE_ENV, STRATA_TEST_FAILPOINTS: sabotage } = process.env
  if (NODE_ENV !== 'test' || sabotage === undefined) return undefined
  const { withFailpoints, sabotageLease } = await import('../engine/failpoints.js')
  return {
    withStores: (stores: Awaited<ReturnType<typeof openStores>>) => withFailpoints(stores, sabotage),
    withLease: (lease: Lease) => sabotageLease(lease, sabotage),
  }
}

async function atMost(ms: number, task: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([task, late])
  clearTimeout(timer)
}
