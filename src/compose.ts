import express, { type Express } from 'express'
import { join } from 'node:path'
import pino, { type Logger } from 'pino'
import { loadConfig, resolveBackend, toEngineSettings, type StrataConfig, type StrataOptions } from './config/index.js'
import { AnswerFields } from './engine/answer-fields.js'
import { candidateOf } from './engine/candidates.js'
import { systemClock } from './engine/clock.js'
import { Fence } from './engine/fence/fence.js'
import { Journey } from './engine/journey.js'
import { Lease } from './engine/lease.js'
import { MemoryTier } from './engine/memory-tier.js'
import { Operator } from './engine/operator.js'
import type { Parts } from './engine/parts.js'
import { PendingBytes } from './engine/pending.js'
import type { BodyStore, MetadataStore } from './engine/ports/index.js'
import { Rules } from './engine/rules.js'
import { Stats } from './engine/stats.js'
import { AccessLog } from './engine/sweep/access-log.js'
import { Sweeper } from './engine/sweep/sweeper.js'
import { systemTimers } from './engine/timers.js'
import { messageOf } from './errors.js'
import { adminRouter, healthRoutes, type Health } from './server/admin/index.js'
import { accessLogger } from './server/access-log.js'
import { handler, middleware, type Listener, type Middleware, type OnExchange } from './server/middleware.js'
import { listen, proxyListener } from './server/proxy.js'
import { upgradeHandler } from './server/upgrade.js'
import { Upstream } from './server/upstream.js'
import { openStores } from './open-stores.js'

export interface AdminMountOptions {
  /** Bearer token; without one (here and in the settings) only direct requests from this machine are served. */
  readonly token?: string
}

/** A cache that is open: mount it, and close it when the process ends. */
export interface Strata {
  /** `(req, res, next)` for Express 4 and 5, connect, and plain node:http. */
  middleware(): Middleware
  /** In front of a whole app: a hit never enters it. */
  handler(app: Listener): Listener
  /** The admin routes, to be mounted where the application likes. */
  admin(options?: AdminMountOptions): Express
  /** What an operator can ask and do, from code. */
  readonly operator: Operator
  readonly backend: string
  close(): Promise<void>
}

interface Engine {
  readonly journey: Journey
  readonly operator: Operator
  readonly health: Health
  readonly onExchange: OnExchange
  readonly backend: { readonly backend: string; readonly why: string }
  close(): Promise<void>
}

/**
 * Opens a cache for use as middleware. Without options: the embedded store in `./.strata`.
 * @throws ConfigError (STRATA_CONFIG) with every fault of the settings
 */
export async function createStrata(options: StrataOptions = {}): Promise<Strata> {
  const config = loadConfig({ env: {}, options })
  const engine = await openEngine(config, pino({ level: options.log?.level ?? 'warn' }), false)
  const run = middleware(engine.journey, engine.onExchange)
  return {
    middleware: () => run,
    handler: app => handler(run, app),
    admin: ({ token } = {}) => adminApp(engine, '/', token ?? config.admin.token),
    operator: engine.operator,
    backend: engine.backend.backend,
    close: () => engine.close(),
  }
}

/** Runs the standalone proxy. @throws the listen error; nothing stays open then. */
export async function serve(
  config: StrataConfig,
): Promise<{ addresses: { host: string; port: number }[]; close(): Promise<void> }> {
  const log = pino({ level: config.log.level })
  const engine = await openEngine(config, log, config.log.access)
  const upstream = new Upstream({ origin: config.origin!, ...config.proxy })
  const proxy = proxyListener(engine.journey, upstream, config.proxy, engine.onExchange)
  const own = serverApp(engine, config)
  const isOwn = ownPaths(config.admin.path)
  const listener: Listener = (req, res) => (isOwn(req.url ?? '') ? own(req, res) : proxy(req, res))
  try {
    const running = await listen(listener, config, config.server, upgradeHandler(config.origin!, config.proxy, log))
    announce(log, engine, config, running.address)
    return {
      addresses: [running.address],
      close: async () => {
        await running.close()
        await upstream.close()
        await engine.close()
        log.info('closed')
      },
    }
  } catch (error) {
    await upstream.close()
    await engine.close()
    throw error
  }
}

async function openEngine(config: StrataConfig, log: Logger, logsAccess: boolean): Promise<Engine> {
  const settings = toEngineSettings(config)
  const backend = resolveBackend(config)
  const warn = (what: string, details: Record<string, unknown>) => log.warn({ what, ...details }, what)
  const stores = await openStores(backend.backend, { ...config, dataDir: join(config.dataDir, config.namespace) }, warn)
  const parts = buildParts(stores, settings, warn)
  const sweeper = new Sweeper({
    ...parts,
    sweep: settings.sweep,
    limits: settings.limits,
    timers: systemTimers,
    onError: error => warn('sweep-failed', { error: messageOf(error) }),
  })
  const operator = buildOperator(parts, sweeper, backend.backend, config.namespace)
  try {
    await parts.fence.load()
  } catch (error) {
    // P5: it is found when it comes up; until then requests go to the origin, and /ready says so.
    warn('store-unavailable-at-start', { backend: backend.backend, error: messageOf(error) })
  }
  parts.lease.start()
  sweeper.start()
  return {
    journey: new Journey(parts),
    operator,
    health: healthOf(operator),
    onExchange: accessLogger(parts.stats, logsAccess ? log : undefined),
    backend,
    close: async () => {
      parts.lease.stop()
      await sweeper.stop()
      await parts.accessLog.flush()
      await stores.close()
    },
  }
}

function buildParts(
  stores: { readonly metadata: MetadataStore; readonly bodies: BodyStore },
  settings: Parts['settings'],
  warn: Parts['events']['warn'],
): Parts {
  const memory = new MemoryTier(settings.memory)
  const fence = new Fence(stores.metadata, {
    maxMarks: settings.limits.maxMarks,
    onReset: () => memory.clear(),
    onMarks: () => {},
  })
  return {
    settings,
    clock: systemClock,
    metadata: stores.metadata,
    bodies: stores.bodies,
    fence,
    lease: new Lease(stores.metadata, fence, systemClock, systemTimers, settings.tiers.leaseMs),
    memory,
    answers: new AnswerFields(settings.http),
    pending: new PendingBytes(settings.limits.maxPendingBytes),
    stats: new Stats(),
    accessLog: new AccessLog(stores.metadata, {
      timers: systemTimers,
      onError: error => warn('access-log-failed', { error: messageOf(error) }),
    }),
    events: { warn },
  }
}

function buildOperator(parts: Parts, sweeper: Sweeper, backend: string, namespace: string): Operator {
  const rules = new Rules(parts.settings)
  return new Operator({
    ...parts,
    sweeper,
    timers: systemTimers,
    limits: parts.settings.limits,
    backend,
    namespace,
    memory: () => parts.memory.usage(),
    freshUntil: entry => {
      const { policy, initialAge } = candidateOf(entry, rules.match(new URL(entry.url).pathname), false)
      return entry.responseTime + policy.lifetime * 1000 - initialAge
    },
    settle: () => parts.lease.settle(),
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

function announce(log: Logger, engine: Engine, config: StrataConfig, address: { host: string; port: number }): void {
  const { backend, why } = engine.backend
  const admin =
    config.admin.token === undefined
      ? `${config.admin.path} answers on loopback only, because no admin token is set`
      : `${config.admin.path} needs the bearer token`
  log.info({ addresses: [address], origin: config.origin, backend, why, namespace: config.namespace, admin }, 'listening')
}

function adminApp(engine: Engine, path: string, token: string | undefined): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use(path, adminRouter({ operator: engine.operator, health: engine.health, token, trustLoopback: true }))
  return app
}

/** What the proxy answers itself: the admin routes, and what probes ask. */
function serverApp(engine: Engine, config: StrataConfig): Express {
  const app = express()
  app.disable('x-powered-by')
  const probes = express.Router()
  healthRoutes(probes, engine.health)
  app.use(config.admin.path, adminRouter({ operator: engine.operator, health: engine.health, token: config.admin.token, trustLoopback: true }))
  app.use(probes)
  return app
}

function ownPaths(adminPath: string): (url: string) => boolean {
  return url => {
    const path = url.split('?', 1)[0]!
    return path === '/health' || path === '/ready' || path === adminPath || path.startsWith(`${adminPath}/`)
  }
}
