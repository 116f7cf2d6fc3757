import type { Router } from 'express'
import { z } from 'zod'
import { FaultyRequest } from '../../engine/fence/mark-faults.js'
import type { JobView } from '../../engine/jobs/job.js'
import type { Operator } from '../../engine/operator.js'
import { readQuery, type Answer } from './answer.js'
import { readJson } from './body.js'
import { addRoute, paramOf } from './route.js'

const reconcileBody = z.strictObject({
  dryRun: z.boolean().optional(),
  graceMs: z.number().int().min(0).optional(),
  checkEach: z.boolean().optional(),
})

/** `GET /jobs`, `GET /jobs/{id}`, `DELETE /jobs/{id}`, `POST /jobs/{id}/cancel`, `POST /reconcile` */
export function jobsRoutes(router: Router, operator: Operator): void {
  addRoute(router, '/jobs', {
    GET: async req => {
      readQuery(req, [])
      return { status: 200, body: { jobs: await operator.jobs() } }
    },
  })
  const cancel = async (id: string) => ({ status: 200, body: await operator.cancelJob(id) })
  addRoute(router, '/jobs/:id', {
    GET: async req => {
      readQuery(req, [])
      return { status: 200, body: await operator.job(paramOf(req, 'id')) }
    },
    DELETE: req => cancel(paramOf(req, 'id')),
  })
  addRoute(router, '/jobs/:id/cancel', { POST: req => cancel(paramOf(req, 'id')) })
  addRoute(router, '/reconcile', {
    POST: async req => {
      readQuery(req, [])
      const hasBody =
        Number(req.headers['content-length'] ?? 0) > 0 || req.headers['transfer-encoding'] !== undefined
      const parsed = reconcileBody.safeParse(hasBody ? await readJson(req) : {})
      if (!parsed.success) {
        throw new FaultyRequest(
          parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
        )
      }
      return jobAnswer(await operator.reconcile(parsed.data))
    },
  })
}

/** 202 while it is not over. */
export function jobAnswer(job: JobView): Answer {
  return { status: job.state === 'queued' || job.state === 'running' ? 202 : 200, body: job }
}
