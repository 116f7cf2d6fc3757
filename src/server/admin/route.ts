import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request, RequestHandler, Response, Router } from 'express'
import { isScope, type Principal, type Scope } from '../../engine/access/scopes.js'
import { StrataError } from '../../errors.js'
import { sendAnswer, sendProblem, type Answer } from './answer.js'

/** What a route gets beside its parameters. */
export interface Context {
  readonly principal: Principal
  /** Stands in the log, in the audit log and in the answer. */
  readonly requestId: string
  /** What was read of the body, of routes that have one. */
  readonly body: unknown
  /** For what the request turns out to need more, beyond the route's own scope. @throws Refused STRATA_FORBIDDEN */
  need(scope: Scope): void
  /** Whether the principal still may. A stream asks every few seconds, and ends when not: its key may have been revoked. */
  stillMay(): Promise<boolean>
  /** For routes that write their answer themselves (event streams): they give `undefined` back. */
  readonly res: ServerResponse
}

export type Handler = (req: Request, context: Context) => Answer | undefined | Promise<Answer | undefined>

/** A method that only looks. */
export interface Reading {
  /** Who may: those with this scope, or with one of these. */
  readonly scope: Scope | readonly Scope[]
  readonly run: Handler
}

/** A method that changes something: it is written into the audit log before and after. */
export interface Acting extends Reading {
  /** Its name in the audit log: `invalidate`. */
  readonly action: string
  /**
   * `json`: there has to be a body; `optional`: `{}` without one; `read`: it is of another kind. It is read before the deed, for what
   * it is about stands in the audit log.
   */
  readonly body?: 'json' | 'optional' | { readonly read: (req: Request) => Promise<unknown> }
}

/** One path of the admin API with its methods. This table is the only way to add one: see `mountRoutes`. */
export interface AdminRoute {
  readonly path: string
  readonly methods: {
    readonly GET?: Reading
    readonly POST?: Acting
    readonly PUT?: Acting
    readonly DELETE?: Acting
  }
}

export type Method = keyof AdminRoute['methods']

/** What stands between a request and its route: who may, what is written down. */
export type Around = (method: Method, path: string, does: Reading | Acting) => Handling

export type Handling = (req: Request, res: Response) => Promise<Answer | undefined>

const DECLARED = Symbol('strata.admin.route')

/** A handler with what its route declares, so that a router can be asked. */
type Declared = RequestHandler & { readonly [DECLARED]?: DeclaredRoute }

export interface DeclaredRoute {
  readonly method: Method
  readonly path: string
  readonly scope: readonly Scope[]
  readonly action: string | undefined
}

/**
 * Mounts the table; a method that a path does not have is answered with 405 and says which there are (RFC 9110 §15.5.6).
 * @throws TypeError for a method without a scope, or one that changes something without a name for the audit log
 */
export function mountRoutes(router: Router, routes: readonly AdminRoute[], around: Around): void {
  for (const { path, methods } of routes) {
    const route = router.route(path)
    for (const [method, does] of Object.entries(methods) as [Method, Reading | Acting][]) {
      const declared = declare(method, path, does)
      const handle = around(method, path, does)
      const handler: RequestHandler = async (req, res) => {
        const answer = await handle(req, res)
        if (answer !== undefined) sendAnswer(res, answer)
      }
      route[lower(method)](Object.assign(handler, { [DECLARED]: declared }))
    }
    const allow = Object.keys(methods).flatMap(method => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    route.all(
      Object.assign(
        (req: Request, res: Response) => {
          const message = `${req.method} is not possible here; these are: ${allow.join(', ')}`
          sendProblem(res, new StrataError('STRATA_METHOD_NOT_ALLOWED', message), { Allow: allow.join(', ') })
        },
        { [DECLARED]: 'refusal' },
      ),
    )
  }
}

function declare(method: Method, path: string, does: Reading | Acting): DeclaredRoute {
  const scope = typeof does.scope === 'string' ? [does.scope] : [...(does.scope ?? [])]
  if (scope.length === 0 || !scope.every(isScope)) {
    throw new TypeError(`the admin route ${method} ${path} does not say which scope it needs`)
  }
  const action = 'action' in does ? does.action : undefined
  if (method !== 'GET' && !action) {
    throw new TypeError(`the admin route ${method} ${path} does not say what it is called in the audit log`)
  }
  return { method, path, scope, action }
}

function lower(method: Method): 'get' | 'post' | 'put' | 'delete' {
  return method.toLowerCase() as 'get' | 'post' | 'put' | 'delete'
}

interface Layer {
  readonly route?: { readonly path: string; readonly stack: readonly { readonly handle: Declared }[] }
}

/**
 * Every route that the router really has, from its own stack and not from the table.
 * @throws TypeError for one that was added past the table: nobody would ask who may use it
 */
export function routesOf(router: Router): DeclaredRoute[] {
  const layers = router.stack as unknown as readonly Layer[]
  return layers.flatMap(({ route }) =>
    (route?.stack ?? []).flatMap(({ handle }) => {
      const declared: unknown = handle[DECLARED]
      if (declared === undefined) throw new TypeError(`the admin route ${route!.path} declares no scope`)
      return declared === 'refusal' ? [] : [declared as DeclaredRoute]
    }),
  )
}

/** A path parameter; a wildcard's segments come as a list. */
export function paramOf(req: Request, name: string): string {
  const value = req.params[name] as string | string[] | undefined
  return Array.isArray(value) ? value.join('/') : (value ?? '')
}

/** Whether a body comes with the request, or has been read of it by a parser before us. */
export function hasBody(req: IncomingMessage): boolean {
  return Number(req.headers['content-length'] ?? 0) > 0 || req.headers['transfer-encoding'] !== undefined
}
