import type { EventEmitter } from 'node:events'
import {
  STATUS_CODES,
  validateHeaderValue,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { StrataError } from '../errors.js'
import type { FlowControl, OriginCall, OriginSink } from '../engine/origin.js'
import { fromHeaderObject } from '../http/fields.js'
import { bytesOf } from './body-chunk.js'
import { CapturedRequest } from './captured-request.js'
import { tagsOfResponse } from './code-tags.js'
import { HandlerFields } from './handler-fields.js'
import { afterEnd, headersSent, invalidStatus } from './node-errors.js'
import type { SendMethods } from './node-responder.js'
import { PipedSources } from './piped-sources.js'
import { shieldSocket } from './shielded-socket.js'
import { splitEvents } from './split-events.js'
import { TwoViews } from './two-views.js'

type Callback = (error?: Error | null) => void

/** Events of the response that have two sides once it is captured: the client's and the handler's. */
const SPLIT = new Set(['drain', 'close', 'finish', 'prefinish', 'error'])
const UNSAFE = /^(?!GET$|HEAD$)/

export interface CaptureOptions {
  /** Fields that were set before the client's answer began. */
  readonly earlier: OutgoingHttpHeaders
  /** The client has been answered already: the handlers run for the store alone. */
  readonly answered: boolean
}

/**
 * Turns the response that a handler writes to into an origin: what it sends goes to the sink, whatever becomes of the client.
 * The response stays the very object that Express handed out; its sending methods, its header fields, its state and its events
 * are the handler's own from here on, and what it was before is what the client is answered with.
 */
export class CapturedResponse implements FlowControl, OriginCall {
  readonly #views: TwoViews
  readonly #fields: HandlerFields
  readonly #events: EventEmitter
  readonly #socketEvents: EventEmitter
  readonly #request: CapturedRequest
  readonly #sources: PipedSources
  readonly #clientHeaders: Pick<ServerResponse, 'removeHeader'>
  #status: number
  #reason: string
  #headSent = false
  #ended = false
  #finished = false
  #destroyed = false
  #closed = false
  #paused = false
  /** The handlers know of it when their client leaves. */
  #told: boolean

  private constructor(
    private readonly res: ServerResponse,
    private readonly sink: OriginSink,
    req: IncomingMessage,
    private readonly options: CaptureOptions,
  ) {
    // Nobody else takes the answer to an unsafe request.
    this.#told = UNSAFE.test(req.method ?? '')
    this.#status = options.answered ? 200 : res.statusCode
    this.#reason = options.answered ? '' : res.statusMessage
    this.#clientHeaders = { removeHeader: res.removeHeader.bind(res) }
    this.#fields = new HandlerFields(req, options.earlier)
    const on = res.on.bind(res)
    this.#views = new TwoViews(res)
    this.#events = splitEvents(res, this.#views, SPLIT)
    this.#sources = new PipedSources(
      () => this.#headSent,
      () => this.#fail(torn()),
    )
    const shield = { isOpen: () => this.#isOpen, onDestroy: (error?: Error) => this.#breakOff(error) }
    const { socket, events } = shieldSocket(req.socket, shield)
    this.#socketEvents = events
    this.#request = new CapturedRequest(req, socket, () => this.#isOpen)
    this.#installMethods()
    this.#installState(socket)
    on('pipe', (source: Readable) => this.#sources.add(source))
    on('unpipe', (source: Readable) => this.#sources.remove(source))
    on('close', () => this.#clientClosed())
  }

  /** Captures `res`; from now on `methods` (its own until now) send to the client. */
  static capture(
    res: ServerResponse,
    req: IncomingMessage,
    sink: OriginSink,
    options: CaptureOptions,
  ): { readonly methods: SendMethods; readonly call: OriginCall } {
    const { writeHead, write, end, on, destroy } = res
    const captured = new CapturedResponse(res, sink, req, options)
    const asClient = <R>(run: () => R): R => captured.#views.asClient(run)
    return { methods: { writeHead, write, end, on, destroy, asClient } as SendMethods, call: captured }
  }

  /** The handler is to go on, whatever becomes of its client. */
  get #isOpen(): boolean {
    return !this.#told && !this.#ended && !this.#destroyed
  }

  #installMethods(): void {
    const { res } = this
    const views = this.#views
    this.#fields.install(views, res, method => {
      if (this.#headSent) throw headersSent(method)
    })
    views.method('writeHead', (status, reason, headers) => this.#writeHead(status as number, reason, headers))
    views.method('_implicitHeader', () => this.#writeHead(this.#status, undefined, undefined))
    views.method('flushHeaders', () => this.#sendHead())
    views.method('write', (chunk, encoding, done) => this.#write(chunk, encoding, done))
    views.method('end', (chunk, encoding, done) => this.#end(chunk, encoding, done))
    views.method('destroy', error => {
      this.#breakOff(error as Error | undefined)
      return res
    })
    for (const name of ['addTrailers', 'cork', 'uncork', 'writeContinue']) views.method(name, () => {})
    views.method('writeProcessing', () => this.sink.onInterim(102, []))
    views.method('writeEarlyHints', (hints, done) => {
      this.sink.onInterim(103, fromHeaderObject(hints as Record<string, string | string[]>))
      if (typeof done === 'function') process.nextTick(done as Callback)
    })
  }

  /** What handlers and their libraries (on-finished, stream.pipeline, proxies) ask the response about itself. */
  #installState(socket: Socket): void {
    const views = this.#views
    // Until the handler has ended it, the response is not over, though its client may have been answered long ago.
    for (const name of ['finished', 'closed', '_closed'])
      views.property<boolean>(name, native => (this.#isOpen ? false : native))
    views.property<boolean>('destroyed', native => this.#destroyed || (this.#isOpen ? false : native))
    views.property<boolean>('writable', native => this.#isOpen || native)
    views.property<boolean>('headersSent', () => this.#headSent)
    views.property<boolean>('writableEnded', () => this.#ended)
    views.property<boolean>('writableFinished', () => this.#finished)
    views.property<boolean>('writableNeedDrain', () => this.#paused && !this.#ended)
    views.property<Socket | null>('socket', () => socket)
    views.property<number>(
      'statusCode',
      () => this.#status,
      status => void (this.#status = status),
    )
    views.property<string>(
      'statusMessage',
      () => this.#reason,
      reason => void (this.#reason = reason),
    )
  }

  #writeHead(status: number, reason: unknown, headers: unknown): ServerResponse {
    if (this.#headSent) throw headersSent('write')
    this.#status = status
    if (typeof reason === 'string') this.#reason = reason
    this.#fields.setAll(typeof reason === 'string' ? headers : (reason ?? headers))
    this.#sendHead()
    return this.res
  }

  #sendHead(): void {
    if (this.#headSent || this.#ended) return
    const status = Math.trunc(Number(this.#status))
    // As node:http has it, so that the application's own error handler can answer.
    if (!(status >= 100 && status <= 999)) throw invalidStatus(this.#status)
    this.#reason ||= STATUS_CODES[status] ?? ''
    validateHeaderValue('statusMessage', this.#reason)
    const tags = tagsOfResponse(this.res)
    this.#headSent = true
    if (!this.options.answered) this.#takeOffRemoved()
    const head = { status, reason: this.#reason, fields: this.#fields.own(), delimited: true, tags }
    this.sink.onHead(head, this)
  }

  /** What earlier middleware had set and the handlers took off again (X-Powered-By) is not this client's either. */
  #takeOffRemoved(): void {
    const removed = this.#fields.removed()
    this.#views.asClient(() => {
      if (this.res.headersSent) return
      for (const name of removed) this.#clientHeaders.removeHeader(name)
    })
  }

  #write(chunk: unknown, encoding: unknown, done: unknown): boolean {
    const callback = (typeof encoding === 'function' ? encoding : done) as Callback | undefined
    if (this.#ended || this.#destroyed) {
      if (callback !== undefined) process.nextTick(callback, afterEnd(this.#ended))
      return false
    }
    // Who waits for the callback may use the memory again after it.
    const bytes = bytesOf(chunk, encoding, callback !== undefined)
    this.#sendHead()
    if (bytes.length > 0 && this.#mayHaveBody()) this.sink.onData(bytes)
    if (callback !== undefined) process.nextTick(callback, null)
    return !this.#paused
  }

  #end(chunk: unknown, encoding: unknown, done: unknown): ServerResponse {
    if (typeof chunk === 'function') return this.#end(undefined, undefined, chunk)
    const { res } = this
    const callback = (typeof encoding === 'function' ? encoding : done) as Callback | undefined
    if (this.#ended || this.#destroyed) {
      if (callback !== undefined) process.nextTick(callback, afterEnd(this.#ended))
      return res
    }
    if (this.#sources.isTorn) {
      this.#fail(torn())
      return res
    }
    const bytes =
      chunk === undefined || chunk === null ? undefined : bytesOf(chunk, encoding, callback !== undefined)
    // As node:http: a body that comes in one piece has a known length.
    if (!this.#headSent && this.#mayHaveBody() && !this.#fields.has('content-length')) {
      this.#fields.set('Content-Length', bytes?.length ?? 0)
    }
    this.#sendHead()
    if (bytes !== undefined && bytes.length > 0 && this.#mayHaveBody()) this.sink.onData(bytes)
    if (callback !== undefined) this.#events.once('finish', callback)
    this.#ended = true
    this.sink.onEnd()
    process.nextTick(() => this.#finish())
    return res
  }

  #finish(): void {
    this.#finished = true
    this.#events.emit('prefinish')
    this.#events.emit('finish')
    this.#close()
  }

  #mayHaveBody(): boolean {
    return this.res.req.method !== 'HEAD' && this.#status !== 204 && this.#status !== 304
  }

  /** The handler destroys its response or its connection: before the end, that tears the answer for all who wait for it. */
  #breakOff(error: Error | undefined): boolean {
    if (this.#destroyed) return true
    if (this.#ended) {
      if (this.options.answered) return true
      // The answer is out; what becomes of the connection is between the handler and its client.
      this.#views.asClient(() => this.res.destroy(error))
      return true
    }
    this.#fail(
      new StrataError('STRATA_ORIGIN_ABORTED', 'the handler broke off its response', { cause: error }),
    )
    return true
  }

  #fail(error: StrataError): void {
    if (this.#ended || this.#destroyed) return
    this.#giveUp()
    this.sink.onFailure(error)
  }

  /** For the handlers it is as if the client had left. */
  #giveUp(): void {
    this.#destroyed = true
    process.nextTick(() => {
      this.#request.tell()
      this.#socketEvents.emit('close')
      this.#close()
    })
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#events.emit('close')
  }

  #clientClosed(): void {
    if (!this.#told || this.#ended) return
    this.#socketEvents.emit('close')
    this.#close()
  }

  /** Nobody waits for the answer, and none will: the handlers may stop, but what they send is still taken. */
  deserted(): void {
    if (!this.#isOpen) return
    this.#told = true
    process.nextTick(() => {
      this.#request.tell()
      const gone = this.#views.asClient(() => this.res.destroyed)
      if (gone && !this.#ended) {
        this.#socketEvents.emit('close')
        this.#close()
      }
    })
  }

  abort(): void {
    if (!this.#ended && !this.#destroyed) this.#giveUp()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (!this.#ended) this.#events.emit('drain')
  }
}

function torn(): StrataError {
  return new StrataError('STRATA_ORIGIN_TRUNCATED', 'the handler broke off its response')
}
