import type { Router } from 'express'
import type { Operator } from '../../engine/operator.js'
import { readFlag, readQuery } from './answer.js'
import { invalidationAnswer } from './invalidate-routes.js'
import { addRoute, paramOf } from './route.js'

/** `GET /keys`, `GET /keys/{key}`, `DELETE /keys/{key}` */
export function keysRoutes(router: Router, operator: Operator): void {
  addRoute(router, '/keys', {
    GET: async req => {
      const { limit, ...query } = readQuery(req, ['pattern', 'tag', 'prefix', 'limit', 'cursor'])
      const body = await operator.keys({ ...query, ...(limit === undefined ? {} : { limit: Number(limit) }) })
      return { status: 200, body }
    },
  })
  addRoute(router, '/keys/:key', {
    GET: async req => {
      readQuery(req, [])
      return { status: 200, body: await operator.entry(paramOf(req, 'key')) }
    },
    DELETE: async req => {
      const { soft } = readQuery(req, ['soft'])
      return invalidationAnswer(await operator.remove(paramOf(req, 'key'), { soft: readFlag('soft', soft) }))
    },
  })
}
