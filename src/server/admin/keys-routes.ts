import type { Operator } from '../../engine/operator.js'
import { readFlag, readQuery } from './answer.js'
import { invalidationAnswer } from './invalidate-routes.js'
import { paramOf, type AdminRoute } from './route.js'

/** `GET /keys`, `GET /keys/{key}`, `DELETE /keys/{key}` */
export function keysRoutes(operator: Operator): AdminRoute[] {
  return [
    {
      path: '/keys',
      methods: {
        GET: {
          scope: 'read',
          run: async req => {
            const { limit, ...query } = readQuery(req, ['pattern', 'tag', 'prefix', 'limit', 'cursor'])
            const page = limit === undefined ? {} : { limit: Number(limit) }
            return { status: 200, body: await operator.keys({ ...query, ...page }) }
          },
        },
      },
    },
    {
      path: '/keys/:key',
      methods: {
        GET: {
          scope: 'read',
          run: async req => {
            readQuery(req, [])
            return { status: 200, body: await operator.entry(paramOf(req, 'key')) }
          },
        },
        DELETE: {
          scope: 'purge',
          action: 'invalidate-key',
          run: async req => {
            const soft = readFlag('soft', readQuery(req, ['soft']).soft)
            return invalidationAnswer(await operator.remove(paramOf(req, 'key'), { soft }))
          },
        },
      },
    },
  ]
}
