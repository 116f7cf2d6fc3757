import express, { type NextFunction, type Request, type Response, type Router } from 'express'
import type { Operator } from '../../engine/operator.js'
import { StrataError } from '../../errors.js'
import { sendProblem } from './answer.js'
import { makeGuard, type AuthOptions } from './auth.js'
import { healthRoutes, type Health } from './health-routes.js'
import { invalidateRoutes } from './invalidate-routes.js'
import { jobsRoutes } from './jobs-routes.js'
import { keysRoutes } from './keys-routes.js'
import { statusRoutes } from './status-routes.js'

/** One admin request, told when its answer is out. */
export interface AdminRequest {
  readonly method: string
  /** As the client sent it. */
  readonly url: string
  readonly remoteAddress: string | undefined
  readonly status: number
  /** What went wrong inside, for the log: the client is not told. */
  readonly error?: unknown
}

export interface AdminOptions extends AuthOptions {
  readonly operator: Operator
  readonly health: Health
  readonly onRequest?: (request: AdminRequest) => void
}

/**
 * The admin routes, JSON only, to be mounted where the application likes (`/admin/cache`). Runs in Express 5 and 4.
 * Errors are problem details (RFC 9457); no other site may read the answers (no CORS), and none is ever stored.
 */
export function adminRouter({ operator, health, onRequest, ...auth }: AdminOptions): Router {
  const router = express.Router({ caseSensitive: true })
  const guard = makeGuard(auth)
  const failures = new WeakMap<Request, unknown>()
  router.use((req, res, next) => {
    if (onRequest !== undefined) {
      const { method, originalUrl: url } = req
      const { remoteAddress } = req.socket
      res.once('close', () => {
        onRequest({ method, url, remoteAddress, status: res.statusCode, error: failures.get(req) })
      })
    }
    const refusal = guard(req)
    if (refusal === undefined) return next()
    sendProblem(res, refusal.error, refusal.headers)
  })
  statusRoutes(router, operator)
  keysRoutes(router, operator)
  invalidateRoutes(router, operator)
  jobsRoutes(router, operator)
  healthRoutes(router, health)
  router.use((req, res) => {
    sendProblem(
      res,
      new StrataError('STRATA_NOT_FOUND', `there is no admin route ${JSON.stringify(req.url.slice(0, 200))}`),
    )
  })
  router.use((error: unknown, req: Request, res: Response, next: NextFunction) => {
    // An answer that has begun cannot be taken back: the application cuts it.
    if (res.headersSent) return next(error)
    failures.set(req, error)
    // What was not read of a body that is too large would be taken for the next request.
    const tooLarge = error instanceof StrataError && error.code === 'STRATA_TOO_LARGE'
    sendProblem(res, error, tooLarge ? { Connection: 'close' } : {})
  })
  return router
}
