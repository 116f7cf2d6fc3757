import express, { type NextFunction, type Request, type Response, type Router } from 'express'
import type { Principal } from '../../engine/access/scopes.js'
import type { Operator } from '../../engine/operator.js'
import { isStrataError, StrataError } from '../../errors.js'
import { allow, isIntrusion, type Access } from '../access/access.js'
import type { Audit } from '../audit/audit.js'
import { requestId } from '../request-id.js'
import { sendProblem, toStrataError } from './answer.js'
import { readJson } from './body.js'
import { healthRoutes, type Health } from './health-routes.js'
import { invalidateRoutes } from './invalidate-routes.js'
import { jobsRoutes } from './jobs-routes.js'
import { keysRoutes } from './keys-routes.js'
import {
  hasBody,
  mountRoutes,
  routesOf,
  type Acting,
  type AdminRoute,
  type Around,
  type Context,
  type Reading,
} from './route.js'
import { securityHeaders } from './security-headers.js'
import { statusRoutes } from './status-routes.js'

/** One admin request, told when its answer is out. */
export interface AdminRequest {
  readonly method: string
  /** As the client sent it. */
  readonly url: string
  readonly remoteAddress: string | undefined
  readonly status: number
  readonly requestId: string
  /** Who it turned out to be. */
  readonly principal?: string
  /** What went wrong inside, for the log: the client is not told. */
  readonly error?: unknown
}

export interface AdminOptions {
  readonly operator: Operator
  readonly health: Health
  readonly access: Access
  readonly audit: Audit
  /** Routes of other parts of the server. */
  readonly routes?: readonly AdminRoute[]
  readonly onRequest?: (request: AdminRequest) => void
}

interface Asked {
  readonly id: string
  /** What became of it is in the audit log already. */
  isWritten?: boolean
  principal?: Principal
  error?: unknown
}

/**
 * The admin routes, JSON only, to be mounted where the application likes (`/admin/cache`). Runs in Express 5 and 4.
 * Errors are problem details (RFC 9457); no other site may read the answers (no CORS), and none is ever stored.
 * @throws TypeError for a route that does not declare who may use it
 */
export function adminRouter(options: AdminOptions): Router {
  const { operator, health, access, audit, routes = [], onRequest } = options
  const router = express.Router({ caseSensitive: true })
  const asked = new WeakMap<Request, Asked>()
  router.use((req, res, next) => {
    const state: Asked = { id: requestId(req) }
    asked.set(req, state)
    securityHeaders(req, res, state.id)
    if (onRequest !== undefined) {
      const { method, originalUrl: url } = req
      const { remoteAddress } = req.socket
      res.once('close', () => {
        const { id, principal, error } = state
        const who = principal === undefined ? {} : { principal: principal.id }
        onRequest({ method, url, remoteAddress, status: res.statusCode, requestId: id, ...who, error })
      })
    }
    access.enter(req).then(principal => {
      state.principal = principal
      next()
    }, next)
  })
  const around: Around = (method, path, does) => async (req, res) => {
    const state = asked.get(req) as Asked & { principal: Principal }
    const { id: requestId, principal } = state
    allow(principal, does.scope)
    const body = await bodyOf(req, does)
    const context: Context = {
      principal,
      requestId,
      need: scope => allow(principal, scope),
      stillMay: () => access.stillMay(req, does.scope),
      res,
      get body() {
        return body.value()
      },
    }
    const run = async () => does.run(req, context)
    if (!('action' in does)) return run()
    const { action } = does
    const at = req.url.indexOf('?')
    const query = at === -1 ? undefined : req.url.slice(at)
    const target = { route: `${method} ${path}`, ...req.params, query, body: body.shown }
    state.isWritten = true
    return audit.around({ action, principal, from: access.addressOf(req), requestId, target }, run)
  }
  const own = [statusRoutes, keysRoutes, invalidateRoutes, jobsRoutes].flatMap(part => part(operator))
  mountRoutes(router, [...own, ...healthRoutes(health), ...routes], around)
  // Nobody gets past the table: what the router has without a scope is found before it serves anything.
  routesOf(router)
  router.use((req, res) => {
    sendProblem(
      res,
      new StrataError('STRATA_NOT_FOUND', `there is no admin route ${JSON.stringify(req.url.slice(0, 200))}`),
    )
  })
  router.use((error: unknown, req: Request, res: Response, next: NextFunction) => {
    // An answer that has begun cannot be taken back: the application cuts it.
    if (res.headersSent) return next(error)
    const state = asked.get(req)!
    const { id, principal } = state
    const status = toStrataError(error).status
    if (status >= 500) state.error = error
    // What was not read of a body that is too large would be taken for the next request.
    const fields: Record<string, string> = status === 413 ? { Connection: 'close' } : {}
    if (state.isWritten === true || !isIntrusion(error, principal))
      return void sendProblem(res, error, fields)
    const { method, originalUrl: url } = req
    void audit
      .refused({ from: access.addressOf(req), requestId: id, method, url, principal, error })
      .then(() => sendProblem(res, error, fields))
  })
  return router
}

/** The body, read whole before anything is done; that it is no JSON is told to the route that looks at it. */
async function bodyOf(
  req: Request,
  does: Reading | Acting,
): Promise<{ readonly shown?: unknown; value(): unknown }> {
  if (!('body' in does) || does.body === undefined || (does.body === 'optional' && !hasBody(req)))
    return { value: () => ({}) }
  try {
    const value = await (typeof does.body === 'object' ? does.body.read(req) : readJson(req))
    return { shown: value, value: () => value }
  } catch (error) {
    if (!isStrataError(error, 'STRATA_BAD_REQUEST')) throw error
    return {
      shown: '(not readable)',
      value: () => {
        throw error
      },
    }
  }
}
