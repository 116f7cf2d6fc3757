import express, { type RequestHandler, type Router } from 'express'
import { StrataError } from '../../errors.js'
import { sendAnswer, sendProblem, type Answer } from './answer.js'
import type { AdminRoute } from './route.js'

export interface HealthReport {
  readonly ok: boolean
  /** What was looked at, by name, with the reason when something is not well. */
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly reason?: string }>>
}

export interface Health {
  /** Whether the process works at all. */
  live(): HealthReport | Promise<HealthReport>
  /** Whether it can cache: stores answer. Requests are served without that, too. */
  ready(): HealthReport | Promise<HealthReport>
}

/** `GET /health`, `GET /ready`: 200, or 503 with the reasons. */
export function healthRoutes(health: Health): AdminRoute[] {
  return [
    { path: '/health', methods: { GET: { scope: 'read', run: async () => answerOf(await health.live()) } } },
    { path: '/ready', methods: { GET: { scope: 'read', run: async () => answerOf(await health.ready()) } } },
  ]
}

/** The same for the server's own root, where probes ask without credentials. */
export function probes(health: Health): Router {
  const router = express.Router({ caseSensitive: true })
  const answering =
    (ask: () => HealthReport | Promise<HealthReport>): RequestHandler =>
    async (req, res) => {
      if (req.method === 'GET' || req.method === 'HEAD') return sendAnswer(res, answerOf(await ask()))
      const error = new StrataError('STRATA_METHOD_NOT_ALLOWED', 'only GET and HEAD are possible here')
      sendProblem(res, error, { Allow: 'GET, HEAD' })
    }
  router.all(
    '/health',
    answering(() => health.live()),
  )
  router.all(
    '/ready',
    answering(() => health.ready()),
  )
  return router
}

function answerOf(report: HealthReport): Answer {
  return {
    status: report.ok ? 200 : 503,
    body: { status: report.ok ? 'ok' : 'unavailable', checks: report.checks },
  }
}
