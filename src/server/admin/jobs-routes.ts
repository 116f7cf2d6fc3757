import { z } from 'zod'
import { FaultyRequest } from '../../engine/fence/mark-faults.js'
import type { JobView } from '../../engine/jobs/job.js'
import type { Operator } from '../../engine/operator.js'
import { readQuery, type Answer } from './answer.js'
import { paramOf, type Acting, type AdminRoute } from './route.js'

const reconcileBody = z.strictObject({
  dryRun: z.boolean().optional(),
  graceMs: z.number().int().min(0).optional(),
  checkEach: z.boolean().optional(),
  rebuild: z.boolean().optional(),
})

/** `GET /jobs`, `GET /jobs/{id}`, `DELETE /jobs/{id}`, `POST /jobs/{id}/cancel`, `POST /reconcile` */
export function jobsRoutes(operator: Operator): AdminRoute[] {
  const cancel: Acting = {
    scope: ['config', 'warm'],
    action: 'cancel-job',
    run: async req => ({ status: 200, body: await operator.cancelJob(paramOf(req, 'id')) }),
  }
  return [
    {
      path: '/jobs',
      methods: {
        GET: {
          scope: 'read',
          run: async req => {
            readQuery(req, [])
            return { status: 200, body: { jobs: await operator.jobs() } }
          },
        },
      },
    },
    {
      path: '/jobs/:id',
      methods: {
        GET: {
          scope: 'read',
          run: async req => {
            readQuery(req, [])
            return { status: 200, body: await operator.job(paramOf(req, 'id')) }
          },
        },
        DELETE: cancel,
      },
    },
    { path: '/jobs/:id/cancel', methods: { POST: cancel } },
    {
      path: '/reconcile',
      methods: {
        POST: {
          scope: 'config',
          action: 'reconcile',
          body: 'optional',
          run: async (req, { body }) => {
            readQuery(req, [])
            const parsed = reconcileBody.safeParse(body)
            if (!parsed.success) {
              throw new FaultyRequest(
                parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
              )
            }
            return jobAnswer(await operator.reconcile(parsed.data))
          },
        },
      },
    },
  ]
}

/** 202 while it is not over. */
export function jobAnswer(job: JobView): Answer {
  return { status: job.state === 'queued' || job.state === 'running' ? 202 : 200, body: job }
}
