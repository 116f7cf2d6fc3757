import type { Logger } from 'pino'
import { resolveBackend, toEngineSettings, type StrataConfig } from '../config/index.js'
import { AnswerFields } from '../engine/answer-fields.js'
import { Pieces } from '../engine/body/pieces.js'
import { candidateOf } from '../engine/candidates.js'
import { systemClock } from '../engine/clock.js'
import { Fence } from '../engine/fence/fence.js'
import { effectiveUrl } from '../engine/identity.js'
import { Journey } from '../engine/journey.js'
import { Jobs } from '../engine/jobs/jobs.js'
import { JobLanes } from '../engine/jobs/lanes.js'
import { LearntVariances } from '../engine/learnt-variances.js'
import { Lease } from '../engine/lease.js'
import { MemoryTier } from '../engine/memory-tier.js'
import { Operator, type OperatorParts } from '../engine/operator.js'
import type { Origin } from '../engine/origin.js'
import type { Parts } from '../engine/parts.js'
import { OwedInvalidations } from '../engine/owed-invalidations.js'
import { isInline } from '../engine/ports/index.js'
import { PendingBytes } from '../engine/pending.js'
import { QuietEvents } from '../engine/quiet-events.js'
import { RecentUses } from '../engine/recent-uses.js'
import { reconcile } from '../engine/reconcile.js'
import { Rebuild } from '../engine/rebuild/rebuild.js'
import { Refresher, type RefresherParts } from '../engine/refresh/refresher.js'
import { Rules } from '../engine/rules.js'
import { Stats } from '../engine/stats.js'
import { AccessLog } from '../engine/sweep/access-log.js'
import { Sweeper } from '../engine/sweep/sweeper.js'
import { systemTimers } from '../engine/timers.js'
import type { Entry, TileBook } from '../engine/ports/index.js'
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
  const parts = buildParts(stores, settings, tiles, warn, () => sweeper.relieve())
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
    await warmJobs.stop()
    await atMost(config.server.drainTimeoutMs, journey.settled())
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
    close: async () => {
      refresher?.stop()
      await settle()
      await parts.lease.stop()
      parts.owed.stop()
      await coverage.stop()
      await jobs.stop()
      await sweeper.stop()
      await parts.accessLog.flush()
      await stores.close()
    },
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

function buildParts(
  stores: Stores,
  settings: Parts['settings'],
  tiles: TileBook,
  warn: Parts['events']['warn'],
  onMarks: () => void,
): Parts {
  const memory = new MemoryTier(settings.memory, settings.limits.maxVariants)
  const fence = new Fence(stores.metadata, {
    maxMarks: settings.limits.maxMarks,
    onReset: () => memory.clear(),
    onMarks,
    onRaised: state => lease.tell(state),
    tiles,
  })
  const lease: Lease = new Lease({
    metadata: stores.metadata,
    fence,
    clock: systemClock,
    timers: systemTimers,
    ...settings.tiers,
    nodes: stores.nodes,
  })
  return {
    settings,
    tiles,
    clock: systemClock,
    metadata: stores.metadata,
    bodies: stores.bodies,
    pieces: new Pieces(settings.memory.maxBytes === 0 ? 0 : settings.memory.maxPieceBytes),
    smallBodies: {
      get: id => (isInline(id) ? stores.metadata.inlineBody(id) : stores.bodies.get(id)),
    },
    fence,
    lease,
    locks: stores.locks,
    memory,
    variances: new LearntVariances(),
    answers: new AnswerFields(settings.http),
    owed: new OwedInvalidations(fence, systemTimers, { warn }),
    pending: new PendingBytes(settings.limits.maxPendingBytes),
    uses: new RecentUses(settings.limits.minUses),
    stats: new Stats(),
    accessLog: new AccessLog(stores.metadata, {
      timers: systemTimers,
      onError: error => warn('access-log-failed', { error: messageOf(error) }),
    }),
    events: { warn },
  }
}

/** Until when an entry is fresh by its fields and its rule, ms since the epoch. */
function freshUntilBy(rules: Rules): (entry: Entry) => number {
  return entry => {
    const { policy, initialAge } = candidateOf(entry, rules.match(new URL(entry.url).pathname), false)
    return entry.responseTime + policy.lifetime * 1000 - initialAge
  }
}

function buildOperator(
  parts: Parts,
  background: { readonly sweeper: Sweeper; readonly jobs: Jobs },
  about: Pick<
    OperatorParts,
    'backend' | 'namespace' | 'portless' | 'refresher' | 'settle' | 'bodyRequests' | 'jobBook' | 'siblings'
  >,
): Operator {
  const rules = new Rules(parts.settings, parts.tiles)
  return new Operator({
    ...parts,
    ...background,
    timers: systemTimers,
    limits: parts.settings.limits,
    ...about,
    memory: () => parts.memory.usage(),
    freshUntil: freshUntilBy(rules),
    effectiveUrls: url => [effectiveUrl(url, rules)],
  })
}

function healthOf(operator: Operator): Health {
  return {
    live: () => ({ ok: true, checks: {} }),
    ready: async () => {
      const { tiers } = await operator.status()
      const checks = { metadata: tiers.metadata, bodies: tiers.bodies }
      return { ok: checks.metadata.ok && checks.bodies.ok, checks }
    },
  }
}
