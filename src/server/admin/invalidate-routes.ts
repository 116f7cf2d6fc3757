import type { Request } from 'express'
import { isSweeping } from '../../engine/access/sweeping.js'
import type { InvalidateRequest, Operator } from '../../engine/operator.js'
import { readFlag, readQuery, type Answer } from './answer.js'
import { parseInvalidate } from './invalidate-body.js'
import { paramOf, type AdminRoute, type Context } from './route.js'

/** `POST /invalidate`, `POST /invalidate/key/{key}`, `POST /invalidate/pattern/{pattern}` */
export function invalidateRoutes(operator: Operator): AdminRoute[] {
  const invalidate = async (request: InvalidateRequest, { need }: Pick<Context, 'need'>) => {
    if (await isSweeping(request)) need('purge-all')
    return invalidationAnswer(await operator.invalidate(request))
  }
  return [
    {
      path: '/invalidate',
      methods: {
        POST: {
          scope: 'purge',
          action: 'invalidate',
          body: 'json',
          run: (req, context) => {
            readQuery(req, [])
            return invalidate(parseInvalidate(context.body), context)
          },
        },
      },
    },
    {
      path: '/invalidate/key/:key',
      methods: {
        POST: {
          scope: 'purge',
          action: 'invalidate-key',
          run: async req => {
            const soft = readFlag('soft', readQuery(req, ['soft']).soft)
            return invalidationAnswer(await operator.remove(paramOf(req, 'key'), { soft }))
          },
        },
      },
    },
    {
      // A wildcard: the pattern's slashes need no escape.
      path: '/invalidate/pattern/*pattern',
      methods: {
        POST: {
          scope: 'purge',
          action: 'invalidate-pattern',
          run: (req, context) =>
            invalidate({ patterns: [paramOf(req, 'pattern')], ...readFlags(req) }, context),
        },
      },
    },
  ]
}

function readFlags(req: Request): { soft: boolean; dryRun: boolean } {
  const { soft, dryRun } = readQuery(req, ['soft', 'dryRun'])
  return { soft: readFlag('soft', soft), dryRun: readFlag('dryRun', dryRun) }
}

/** 202 while it does not hold everywhere: never a false 200 (P1). */
export function invalidationAnswer(result: Awaited<ReturnType<Operator['invalidate']>>): Answer {
  return { status: 'effective' in result && !result.effective ? 202 : 200, body: result }
}
