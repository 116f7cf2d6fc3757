import { hostname } from 'node:os'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { Logger } from 'pino'
import type { StrataConfig } from '../config/index.js'
import { ApiKeys } from '../engine/access/api-keys.js'
import { systemClock } from '../engine/clock.js'
import { messageOf, StrataError } from '../errors.js'
import { Access, type Verifier } from '../server/access/access.js'
import { apiKeyVerifier } from '../server/access/api-key-verifier.js'
import { clientAddress } from '../server/access/client-address.js'
import { throttle } from '../server/access/throttle.js'
import { sendProblem } from '../server/admin/answer.js'
import { securityHeaders } from '../server/admin/security-headers.js'
import { requestId } from '../server/request-id.js'
import { adminRouter, apiKeysRoutes, auditRoutes, probes, type AdminRequest } from '../server/admin/index.js'
import { tilesRoutes } from '../server/admin/tiles-routes.js'
import { warmRoutes } from '../server/admin/warm-routes.js'
import { AuditFile } from '../server/audit/audit-file.js'
import { Audit } from '../server/audit/audit.js'
import { redactText } from '../server/audit/redact.js'
import { TrustedPeers } from '../server/forwarded.js'
import { PurgeMethods } from '../server/purge-methods.js'
import { memoryRateLimiters } from '../stores/memory/rate-limiters.js'
import { auditFileOf } from './audit-file-of.js'
import type { Engine } from './engine.js'

/** The admin side of a cache: who may do what by routes and by methods, and what is written down of it. */
export interface Admin {
  /** The routes, at `path` of the app. */
  routes(path: string, token?: string): Express
  readonly methods: PurgeMethods
  close(): Promise<void>
}

/** @throws StrataError STRATA_CONFIG for a file of keys that can't be read */
export async function openAdmin(engine: Engine, config: StrataConfig, log: Logger): Promise<Admin> {
  const { operator, health, stores, tiles, seeder } = engine
  const { admin, namespace } = config
  const keys = new ApiKeys({ store: stores.apiKeys, clock: systemClock, namespace })
  const trusted = new TrustedPeers(config.proxy.trustProxy)
  const shared = {
    trustLoopback: admin.trustLoopback && admin.jwt.issuer === undefined,
    verifiers: [apiKeyVerifier(keys), ...(await jwtVerifiers(config))],
    throttle: throttle(stores.limiters ?? memoryRateLimiters(), admin),
    addressOf: (req: Parameters<typeof clientAddress>[0]) => clientAddress(req, trusted),
  }
  const file = auditFileOf(config, engine.backend.backend)
  const sink = file === undefined ? undefined : new AuditFile({ path: file, sync: admin.audit.sync })
  const audit = new Audit({
    sink,
    log: event => log.info({ audit: event }, 'audit'),
    onError: error => log.error({ what: 'audit-failed', error: messageOf(error) }, 'audit-failed'),
    clock: systemClock,
    namespace,
    node: stores.nodes?.id ?? `${hostname()}:${process.pid}`,
  })
  const routes = (path: string, token = admin.token) => {
    const access = new Access({ ...shared, token })
    const own = [
      ...apiKeysRoutes(keys),
      ...auditRoutes(file),
      ...tilesRoutes(tiles),
      ...warmRoutes(seeder, operator, trusted),
    ]
    const onRequest = (request: AdminRequest) => logRequest(log, config.log.access, request)
    const app = express()
    app.disable('x-powered-by')
    app.use(path, adminRouter({ operator, health, access, audit, routes: own, onRequest }))
    return app
  }
  return {
    routes,
    methods: new PurgeMethods({
      access: new Access({ ...shared, token: admin.token }),
      audit,
      operator,
      methods: admin.methods,
      onError: error => log.error({ err: error }, 'purge-method-failed'),
    }),
    close: async () => sink?.close(),
  }
}

/** What the proxy answers itself: the admin routes at `path`, and at the root what probes ask, which need no credentials. */
export function ownServer(engine: Engine, admin: Admin, path: string): Express {
  return ending(admin.routes(path).use(probes(engine.health)))
}

/**
 * The same where the admin routes have a port of their own: what is sent there by mistake is not passed on to the origin, for it
 * carries the credentials of an operator.
 */
export function ownServerApart(engine: Engine): Express {
  return ending(express().disable('x-powered-by').use(probes(engine.health)))
}

/** What nothing else has answered is a problem, too: Express would write a page of its own, with a stack. */
function ending(app: Express): Express {
  app.use((req, res) => {
    securityHeaders(req, res, requestId(req))
    sendProblem(res, new StrataError('STRATA_NOT_FOUND', 'there is nothing here'))
  })
  app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (res.headersSent) return next(error)
    sendProblem(res, error)
  })
  return app
}

async function jwtVerifiers({ admin, namespace }: StrataConfig): Promise<Verifier[]> {
  const { issuer, audience, jwksUrl, jwksFile, ...settings } = admin.jwt
  if (issuer === undefined || audience === undefined) return []
  const { issuerKeys } = await import('../server/access/issuer-keys.js')
  const { jwtVerifier } = await import('../server/access/jwt-verifier.js')
  const keys = issuerKeys({ issuer, jwksUrl, jwksFile })
  return [jwtVerifier({ issuer, audience, ...settings }, { keys, clock: systemClock, namespace })]
}

/** A line for each request that failed inside, and with the access log one for every other. */
function logRequest(log: Logger, logsAccess: boolean, { error, ...request }: AdminRequest): void {
  const about = { ...request, url: redactText(request.url) }
  if (error !== undefined) log.error({ admin: about, err: error }, 'admin request failed')
  else if (logsAccess) log.info({ admin: about }, 'admin request')
}
