import type { Router } from 'express'
import type { Operator } from '../../engine/operator.js'
import { StrataError } from '../../errors.js'
import { readQuery } from './answer.js'
import { jobAnswer } from './jobs-routes.js'
import { addRoute } from './route.js'

/** `GET /status`, `GET /stats`, `POST /sweep` */
export function statusRoutes(router: Router, operator: Operator): void {
  addRoute(router, '/status', {
    GET: async req => {
      readQuery(req, [])
      return { status: 200, body: await operator.status() }
    },
  })
  addRoute(router, '/stats', {
    GET: req => {
      readQuery(req, [])
      return { status: 200, body: operator.stats() }
    },
  })
  addRoute(router, '/sweep', {
    POST: async req => {
      readQuery(req, [])
      const job = await operator.sweep()
      if (job.state === 'failed') {
        throw new StrataError('STRATA_STORE_UNAVAILABLE', `the sweep failed: ${job.error}`)
      }
      return jobAnswer(job)
    },
  })
}
