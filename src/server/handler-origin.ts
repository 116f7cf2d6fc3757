import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Origin, OriginCall, OriginRequest, OriginSink } from '../engine/origin.js'
import { StrataError } from '../errors.js'
import { CapturedResponse } from './captured-response.js'
import type { NodeResponder } from './node-responder.js'
import { rewriteRequest } from './rewritten-request.js'

/** The handlers behind the middleware, for one request: they run once, and what they send is taken as an origin's answer. */
export class HandlerOrigin implements Origin {
  readonly once = true
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
    if (!this.responder.ended || this.res.writableEnded || this.res.destroyed) return this.#run(request, sink)
    return this.#runLater(request, sink)
  }

  /** Middleware before us (compression) may still be sending the client's answer by the methods that the handlers are to have. */
  #runLater(request: OriginRequest, sink: OriginSink): OriginCall {
    let call: OriginCall | undefined
    let aborted = false
    const begin = () => {
      if (!aborted) call ??= this.#run(request, sink)
    }
    this.res.once('prefinish', begin)
    this.res.once('close', begin)
    return {
      abort() {
        aborted = true
        call?.abort()
      },
    }
  }

  #run(request: OriginRequest, sink: OriginSink): OriginCall {
    const { req, res, responder } = this
    rewriteRequest(req, request)
    const { earlier, ended: answered } = responder
    const { methods, call } = CapturedResponse.capture(res, req, sink, { earlier, answered })
    responder.methods = methods
    try {
      this.next()
    } catch (error) {
      // Express catches what its handlers throw; a plain listener's error comes here. Nobody may go on waiting for it.
      sink.onFailure(new StrataError('STRATA_INTERNAL', 'the handler threw an error', { cause: error }))
      throw error
    }
    return call
  }
}
