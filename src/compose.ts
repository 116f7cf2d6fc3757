import type { ServerResponse } from 'node:http'
import type { Express } from 'express'
import pino, { type Logger } from 'pino'
import { buildAdmin } from './compose/admin.js'
import { openEngine, type Engine } from './compose/engine.js'
import { loadConfig, type StrataConfig, type StrataOptions } from './config/index.js'
import type { Operator } from './engine/operator.js'
import { tagResponse } from './server/code-tags.js'
import { handler, middleware, type Listener, type Middleware } from './server/middleware.js'
import { listen, proxyListener } from './server/proxy.js'
import { refreshRequest } from './server/refresh-request.js'
import { upgradeHandler } from './server/upgrade.js'
import { Upstream } from './server/upstream.js'

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
  /**
   * Gives tags to a response that a handler is about to send, e.g. `strata.tag(res, 'article:7')`; so does `res.locals.strataTags`.
   * @throws TypeError for what is no tag
   */
  tag(res: ServerResponse, ...tags: string[]): void
  /** What an operator can ask and do, from code. */
  readonly operator: Operator
  readonly backend: string
  close(): Promise<void>
}

/**
 * Opens a cache for use as middleware. Without options: the embedded store in `./.strata`.
 * @throws ConfigError (STRATA_CONFIG) with every fault of the settings
 */
export async function createStrata(options: StrataOptions = {}): Promise<Strata> {
  const config = loadConfig({ env: {}, options })
  const log = pino({ level: options.log?.level ?? 'warn' })
  // Behind the middleware there is no origin to ask: handlers get the client's Host as it is.
  const engine = await openEngine({ ...config, origin: undefined }, log, false)
  const { methods: purges } = buildAdmin({ engine, config, log })
  const entered = Symbol('strata.entered')
  const cached = (isFirst: boolean): Middleware => {
    const run = middleware(engine.journey, engine.recorder, { entered, isFirst })
    return (req, res, next) => {
      if (!purges.take(req, res)) run(req, res, next)
    }
  }
  const between = cached(false)
  const inFront = cached(true)
  return {
    middleware: () => between,
    handler: app => handler(inFront, app),
    admin: ({ token } = {}) => buildAdmin({ engine, config, log, token }).routes('/'),
    tag: (res, ...tags) => tagResponse(res, tags),
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
  engine.refreshThrough(upstream, entry => refreshRequest(entry, config.proxy))
  const proxy = proxyListener(engine.journey, upstream, config.proxy, engine.recorder)
  const admin = buildAdmin({ engine, config, log })
  const own = admin.server(config.admin.path)
  const isOwn = ownPaths(config.admin.path)
  const { methods: purges } = admin
  const listener: Listener = (req, res) => {
    if (isOwn(req.url ?? '')) own(req, res)
    else if (!purges.take(req, res)) proxy(req, res)
  }
  try {
    const running = await listen(
      listener,
      config,
      config.server,
      engine.answers,
      upgradeHandler(config.origin!, config.proxy, engine.answers, log),
      purges,
    )
    announce(log, engine, config, running.address)
    return {
      addresses: [running.address],
      close: async () => {
        await running.close()
        // What a client has had already is also stored before the process ends.
        await engine.settle()
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

function announce(
  log: Logger,
  engine: Engine,
  config: StrataConfig,
  address: { host: string; port: number },
): void {
  const { backend, why } = engine.backend
  const admin =
    config.admin.token === undefined
      ? `${config.admin.path} answers on loopback only, because no admin token is set`
      : `${config.admin.path} needs the bearer token`
  log.info(
    { addresses: [address], origin: config.origin, backend, why, namespace: config.namespace, admin },
    'listening',
  )
}

function ownPaths(adminPath: string): (url: string) => boolean {
  const bases = ['/health', '/ready', adminPath]
  const below = `${adminPath}/`
  return url => {
    if (!bases.some(base => url.startsWith(base))) return false
    const path = url.split('?', 1)[0]!
    return bases.includes(path) || path.startsWith(below)
  }
}
