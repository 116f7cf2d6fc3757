import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Origin, OriginCall, OriginRequest, OriginSink } from '../engine/origin.js'
import { StrataError } from '../errors.js'
import { fieldValue } from '../http/fields.js'
import { CapturedResponse } from './captured-response.js'
import type { NodeResponder } from './node-responder.js'

/** Fields that the engine may have taken off or put on: the handler sees what the key holds, and no more (P4). */
const REWRITTEN = ['range', 'if-range', 'if-none-match', 'if-modified-since', 'cookie'] as const

type ExpressRequest = IncomingMessage & { originalUrl?: string; query?: unknown }

/** The handlers behind the middleware, for one request: they run once, and what they send is taken as an origin's answer. */
export class HandlerOrigin implements Origin {
  #used = false

  constructor(
    private readonly req: IncomingMessage,
    private readonly res: ServerResponse,
    private readonly responder: NodeResponder,
    private readonly next: () => void,
  ) {}

  fetch(request: OriginRequest, sink: OriginSink): OriginCall {
    if (this.#used) {
      // The handlers of this request have answered already; a second answer can't be had from them.
      queueMicrotask(() =>
        sink.onFailure(
          new StrataError('STRATA_ORIGIN_ABORTED', 'the response could not be used; send the request again'),
        ),
      )
      return { abort() {} }
    }
    this.#used = true
    this.#rewrite(request)
    this.responder.methods = CapturedResponse.capture(this.res, this.req, sink)
    this.next()
    return { abort() {} }
  }

  #rewrite({ fields, target }: OriginRequest): void {
    const req = this.req as ExpressRequest
    for (const name of REWRITTEN) {
      const value = fieldValue(fields, name)
      if (value === req.headers[name]) continue
      if (value === undefined) delete req.headers[name]
      else req.headers[name] = value
    }
    const original = req.originalUrl ?? req.url ?? ''
    if (target === original || original.startsWith('http')) return
    // The rule dropped or sorted parameters: the same for the router's view of the URL, which may be mounted below.
    const mounted = (req.url ?? '').split('?', 1)[0]!
    const mark = target.indexOf('?')
    req.url = mark === -1 ? mounted : mounted + target.slice(mark)
    if (req.originalUrl !== undefined) req.originalUrl = target
    // Express 4 has parsed the query before us.
    if (Object.hasOwn(req, 'query')) {
      const kept = new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1))
      const query = req.query as Record<string, unknown>
      for (const name of Object.keys(query))
        if (![...kept.keys()].some(k => k === name || k.startsWith(`${name}[`))) delete query[name]
    }
  }
}
