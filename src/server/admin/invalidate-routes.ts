import type { Request, Router } from 'express'
import type { Operator } from '../../engine/operator.js'
import { readFlag, readQuery, type Answer } from './answer.js'
import { readJson } from './body.js'
import { parseInvalidate } from './invalidate-body.js'
import { addRoute, paramOf } from './route.js'

/** `POST /invalidate`, `POST /invalidate/key/{key}`, `POST /invalidate/pattern/{pattern}` */
export function invalidateRoutes(router: Router, operator: Operator): void {
  addRoute(router, '/invalidate', {
    POST: async req => {
      readQuery(req, [])
      return invalidationAnswer(await operator.invalidate(parseInvalidate(await readJson(req))))
    },
  })
  addRoute(router, '/invalidate/key/:key', {
    POST: async req => {
      const { soft } = readQuery(req, ['soft'])
      return invalidationAnswer(await operator.remove(paramOf(req, 'key'), { soft: readFlag('soft', soft) }))
    },
  })
  // A wildcard: the pattern's slashes need no escape.
  addRoute(router, '/invalidate/pattern/*pattern', {
    POST: async req => {
      const flags = readFlags(req)
      return invalidationAnswer(await operator.invalidate({ patterns: [paramOf(req, 'pattern')], ...flags }))
    },
  })
}

function readFlags(req: Request): { soft: boolean; dryRun: boolean } {
  const { soft, dryRun } = readQuery(req, ['soft', 'dryRun'])
  return { soft: readFlag('soft', soft), dryRun: readFlag('dryRun', dryRun) }
}

/** 202 while it does not hold everywhere: never a false 200 (P1). */
export function invalidationAnswer(result: Awaited<ReturnType<Operator['invalidate']>>): Answer {
  return { status: 'effective' in result && !result.effective ? 202 : 200, body: result }
}
