import type { Operator } from '../../engine/operator.js'
import { StrataError } from '../../errors.js'
import { readQuery } from './answer.js'
import { jobAnswer } from './jobs-routes.js'
import type { AdminRoute } from './route.js'

/** `GET /status`, `GET /stats`, `POST /sweep` */
export function statusRoutes(operator: Operator): AdminRoute[] {
  return [
    {
      path: '/status',
      methods: {
        GET: {
          scope: 'read',
          run: async req => {
            readQuery(req, [])
            return { status: 200, body: await operator.status() }
          },
        },
      },
    },
    {
      path: '/stats',
      methods: {
        GET: {
          scope: 'read',
          run: async req => {
            readQuery(req, [])
            return { status: 200, body: await operator.statistics() }
          },
        },
      },
    },
    {
      path: '/sweep',
      methods: {
        POST: {
          scope: 'purge',
          action: 'sweep',
          run: async req => {
            readQuery(req, [])
            const job = await operator.sweep()
            if (job.state === 'failed') {
              throw new StrataError('STRATA_STORE_UNAVAILABLE', `the sweep failed: ${job.error}`)
            }
            return jobAnswer(job)
          },
        },
      },
    },
  ]
}
