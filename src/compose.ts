import type { ServerResponse } from 'node:http'
import type { Express } from 'express'
import pino, { type Logger } from 'pino'
import { openAdmin, ownServer, ownServerApart, type Admin } from './compose/admin.js'
import { closeAll } from './compose/close-all.js'
import { openEngine, type Engine } from './compose/engine.js'
import { loadConfig, type StrataConfig, type StrataOptions } from './config/index.js'
import type { Share } from './engine/operator/share.js'
import type { Operator } from './engine/operator.js'
import { listenAdmin } from './server/admin/listen.js'
import { tagResponse } from './server/code-tags.js'
import { TrustedPeers } from './server/forwarded.js'
import { handler, middleware, type Listener, type Middleware } from './server/middleware.js'
import { listen, proxyListener, type RunningServer } from './server/proxy.js'
import { refreshRequest } from './server/refresh-request.js'
import { upgradeHandler } from './server/upgrade.js'
import { Upstream } from './server/upstream.js'
import { warmRequest } from './server/warm-request.js'

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
  /** Closes every part, whatever becomes of the others. @throws the first error of them */
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
  const admin = await opening(engine, config, log)
  const { methods: purges } = admin
  const entered = Symbol('strata.entered')
  const trusted = new TrustedPeers(config.proxy.trustProxy)
  const cached = (isFirst: boolean): Middleware => {
    const run = middleware(engine.journey, engine.recorder, { entered, isFirst, trusted })
    return (req, res, next) => {
      if (!purges.take(req, res)) run(req, res, next)
    }
  }
  const between = cached(false)
  const inFront = cached(true)
  return {
    middleware: () => between,
    handler: app => handler(inFront, app),
    admin: ({ token } = {}) => admin.routes('/', token),
    tag: (res, ...tags) => tagResponse(res, tags),
    operator: engine.operator,
    backend: engine.backend.backend,
    close: () => closeAll([() => engine.close(), () => admin.close()]),
  }
}

/** What is open is closed again when the admin side can't be. */
async function opening(engine: Engine, config: StrataConfig, log: Logger): Promise<Admin> {
  try {
    return await openAdmin(engine, config, log)
  } catch (error) {
    throw await closedAfter(error, () => engine.close(), log)
  }
}

/** Closes what is open already. Why the rest could not be opened is what is to be thrown: an error of closing is logged. */
async function closedAfter(error: unknown, close: () => Promise<void>, log: Logger): Promise<unknown> {
  try {
    await close()
  } catch (err) {
    log.error({ what: 'close-failed', err }, 'close-failed')
  }
  return error
}

export interface RunningProxy {
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
  /** Where the admin routes are, when they have a port of their own. */
  readonly adminAddress?: { readonly host: string; readonly port: number }
  /** What this process tells of itself to the others that serve at the same address. */
  share(): Share
  /** `gently`: another process has taken its place; connections end with their next answer, and none is cut while it may be asked. */
  close(gently?: boolean): Promise<void>
}

/**
 * Runs the standalone proxy. `siblings`: other processes that serve at the same address.
 * @throws the listen error; nothing stays open then.
 */
export async function serve(
  config: StrataConfig,
  siblings?: () => Promise<readonly Share[]>,
): Promise<RunningProxy> {
  const log = pino({ level: config.log.level })
  const engine = await openEngine(config, log, config.log.access, siblings)
  const admin = await opening(engine, config, log)
  const upstream = new Upstream({ origin: config.origin!, ...config.proxy })
  engine.refreshThrough(upstream, entry => refreshRequest(entry, config.proxy))
  engine.warmThrough({
    origin: upstream,
    requestFor: (url, how) => warmRequest(url, how, config.proxy),
  })
  const proxy = proxyListener(engine.journey, upstream, config.proxy, config.server, engine.recorder)
  const own = ownServer(engine, admin, config.admin.path)
  const isApart = config.admin.port !== undefined
  const besides: Listener = isApart ? ownServerApart(engine) : own
  const isOwn = ownPaths(config.admin.path)
  const { methods: purges } = admin
  const listener: Listener = (req, res) => {
    if (isOwn(req.url ?? '')) besides(req, res)
    else if (!purges.take(req, res)) proxy(req, res)
  }
  const servers: RunningServer[] = []
  const close = async (gently = false) => {
    await closeAll([
      () => Promise.all(servers.map(server => server.close(gently))),
      // What a client has had already is also stored before the process ends.
      () => engine.settle(),
      () => upstream.close(),
      () => engine.close(),
      () => admin.close(),
    ])
  }
  try {
    const { admin: about, server: settings } = config
    // First, so that what cannot be opened has served nobody.
    if (isApart) servers.push(await listenAdmin(own, { host: about.host, port: about.port! }, settings))
    const onUpgrade = upgradeHandler(
      config.origin!,
      { ...config.server, ...config.proxy },
      engine.answers,
      log,
    )
    const running = await listen(listener, config, settings, engine.answers, onUpgrade, purges)
    const adminAddress = servers[0]?.address
    servers.push(running)
    announce(log, engine, config, running.address, adminAddress)
    return {
      addresses: [running.address],
      ...(adminAddress === undefined ? {} : { adminAddress }),
      share: () => engine.operator.share(),
      close: async gently => {
        await close(gently)
        log.info('closed')
      },
    }
  } catch (error) {
    throw await closedAfter(error, close, log)
  }
}

function announce(
  log: Logger,
  engine: Engine,
  config: StrataConfig,
  address: RunningServer['address'],
  adminAddress: RunningServer['address'] | undefined,
): void {
  const { backend, why } = engine.backend
  const { path, token, jwt, trustLoopback } = config.admin
  const isOpen = token === undefined && jwt.issuer === undefined && trustLoopback
  const admin = isOpen
    ? `${path} answers on loopback only, because no admin token is set (and to API keys)`
    : `${path} needs ${[token && 'the bearer token', 'an API key', jwt.issuer && 'a JWT'].filter(Boolean).join(' or ')}`
  const { namespace, origin } = config
  log.info({ addresses: [address], adminAddress, origin, backend, why, namespace, admin }, 'listening')
}

function ownPaths(adminPath: string): (url: string) => boolean {
  const bases = ['/health', '/ready', adminPath]
  const below = `${adminPath}/`
  return url => {
    for (const base of bases) if (url.startsWith(base)) return isOne(url.split('?', 1)[0]!)
    return false
  }
  function isOne(path: string): boolean {
    return bases.includes(path) || path.startsWith(below)
  }
}
