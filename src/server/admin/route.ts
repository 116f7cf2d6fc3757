import type { Request, RequestHandler, Response, Router } from 'express'
import { StrataError } from '../../errors.js'
import { sendAnswer, sendProblem, type Answer } from './answer.js'

export type Handler = (req: Request) => Answer | Promise<Answer>

/** One path with its methods; any other method is answered with 405 and says which there are (RFC 9110 §15.5.6). */
export function addRoute(
  router: Router,
  path: string,
  handlers: { GET?: Handler; POST?: Handler; DELETE?: Handler },
): void {
  const route = router.route(path)
  if (handlers.GET !== undefined) route.get(answering(handlers.GET))
  if (handlers.POST !== undefined) route.post(answering(handlers.POST))
  if (handlers.DELETE !== undefined) route.delete(answering(handlers.DELETE))
  const allow = Object.keys(handlers).flatMap(method => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  route.all((req: Request, res: Response) => {
    const message = `${req.method} is not possible here; these are: ${allow.join(', ')}`
    sendProblem(res, new StrataError('STRATA_METHOD_NOT_ALLOWED', message), { Allow: allow.join(', ') })
  })
}

function answering(handler: Handler): RequestHandler {
  return async (req, res) => sendAnswer(res, await handler(req))
}

/** A path parameter; a wildcard's segments come as a list. */
export function paramOf(req: Request, name: string): string {
  const value = req.params[name] as string | string[] | undefined
  return Array.isArray(value) ? value.join('/') : (value ?? '')
}
