import { EventEmitter } from 'node:events'
import { ServerResponse, STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { StrataError } from '../errors.js'
import type { OriginSink } from '../engine/origin.js'
import { fromHeaderObject } from '../http/fields.js'
import { endToEnd } from '../http/hop-by-hop.js'
import type { SendMethods } from './node-responder.js'

type Callback = (error?: Error | null) => void

/** Missing in the types of Node 20. */
type RawNames = ServerResponse & { getRawHeaderNames(): string[] }

/** Events of the response that have two sides once it is captured: the client's and the handler's. */
const SPLIT_EVENTS = new Set(['drain', 'close'])
const LISTENER_METHODS = [
  'on',
  'addListener',
  'once',
  'prependListener',
  'prependOnceListener',
  'off',
  'removeListener',
] as const
const HEADER_METHODS = [
  'setHeader',
  'setHeaders',
  'appendHeader',
  'getHeader',
  'getHeaders',
  'getHeaderNames',
  'getRawHeaderNames',
  'hasHeader',
  'removeHeader',
] as const
const HEADER_PROPERTIES = [...HEADER_METHODS, 'headersSent'] as const

/**
 * Turns the response that a handler writes to into an origin: what it sends goes to the sink, whatever becomes of the client.
 * The response stays the very object that Express handed out; its sending methods, its header fields and its `drain` and `close`
 * events are the handler's own from here on, and the methods it had before are what the client is answered with.
 */
export class CapturedResponse {
  /** Header fields as the handler sees them. */
  readonly #shadow: ServerResponse
  readonly #events = new EventEmitter()
  readonly #before: ReadonlyMap<string, unknown>
  readonly #sources = new Set<Readable>()
  /** What the response had of its own under the names that are taken over: somebody else's wrappers. */
  readonly #masked = new Map<string, PropertyDescriptor>()
  #headSent = false
  #ended = false
  #paused = false

  private constructor(
    private readonly res: ServerResponse,
    private readonly sink: OriginSink,
    req: IncomingMessage,
    client: SendMethods,
  ) {
    this.#shadow = new ServerResponse(req)
    this.#shadow.sendDate = false
    for (const name of res.getHeaderNames()) this.#shadow.setHeader(name, res.getHeader(name)!)
    this.#before = new Map(Object.entries(res.getHeaders()))
    client.on.call(res, 'pipe', (source: Readable) => this.#piped(source))
    client.on.call(res, 'close', () => this.#clientGone(req))
    res.statusCode = 200
    this.#install()
  }

  /** Captures `res`; from now on `client` (its methods until now) sends to the client. */
  static capture(res: ServerResponse, req: IncomingMessage, sink: OriginSink): SendMethods {
    const { writeHead, write, end, on } = res
    const client = { writeHead, write, end, on } as SendMethods
    const captured = new CapturedResponse(res, sink, req, client)
    return { ...client, asClient: run => captured.#asClient(run) }
  }

  /** Runs with the response's header methods as they were: node's own `writeHead`, and wrappers round it, call them on the response. */
  #asClient(run: () => void): void {
    const own = HEADER_PROPERTIES.map(
      name => [name, Object.getOwnPropertyDescriptor(this.res, name)] as const,
    )
    for (const [name] of own) {
      const before = this.#masked.get(name)
      if (before === undefined) delete (this.res as unknown as Record<string, unknown>)[name]
      else Object.defineProperty(this.res, name, before)
    }
    try {
      run()
    } finally {
      for (const [name, descriptor] of own)
        if (descriptor !== undefined) Object.defineProperty(this.res, name, descriptor)
    }
  }

  #install(): void {
    const { res } = this
    const own: Record<string, unknown> = {
      writeHead: (status: number, reason?: unknown, headers?: unknown) =>
        this.#writeHead(status, reason, headers),
      flushHeaders: () => this.#sendHead(),
      write: (chunk: unknown, encoding?: unknown, done?: unknown) => this.#write(chunk, encoding, done),
      end: (chunk?: unknown, encoding?: unknown, done?: unknown) => this.#end(chunk, encoding, done),
      addTrailers: () => {},
      destroy: (error?: Error) => this.#destroyed(error),
    }
    const shadow = this.#shadow as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>
    for (const name of HEADER_METHODS) {
      const method = shadow[name]
      if (method !== undefined) own[name] = (...args: unknown[]) => this.#header(name, method, args)
    }
    const emitter = res as unknown as Record<string, (...args: unknown[]) => unknown>
    const split = this.#events as unknown as Record<string, (...args: unknown[]) => unknown>
    for (const name of LISTENER_METHODS) {
      const method = emitter[name]!
      own[name] = (event: string, listener: unknown) => {
        if (SPLIT_EVENTS.has(event)) split[name]!(event, listener)
        else method.call(res, event, listener)
        return res
      }
    }
    for (const name of [...HEADER_PROPERTIES, ...Object.keys(own)]) {
      const before = Object.getOwnPropertyDescriptor(res, name)
      if (before !== undefined) this.#masked.set(name, before)
    }
    for (const [name, value] of Object.entries(own))
      Object.defineProperty(res, name, { value, writable: true, configurable: true })
    Object.defineProperty(res, 'headersSent', { get: () => this.#headSent, configurable: true })
    Object.defineProperty(res, 'writableEnded', { get: () => this.#ended, configurable: true })
  }

  #header(name: string, method: (...args: unknown[]) => unknown, args: unknown[]): unknown {
    const changes = name.startsWith('set') || name === 'appendHeader' || name === 'removeHeader'
    // As node:http has it.
    if (changes && this.#headSent) throw headersSent(name)
    const result = method.apply(this.#shadow, args)
    return result === this.#shadow ? this.res : result
  }

  #writeHead(status: number, reason: unknown, headers: unknown): ServerResponse {
    if (this.#headSent) throw headersSent('writeHead')
    const { res } = this
    res.statusCode = status
    if (typeof reason === 'string') res.statusMessage = reason
    const given = typeof reason === 'string' ? headers : (reason ?? headers)
    if (Array.isArray(given)) this.#setList(given as unknown[])
    else if (given !== null && typeof given === 'object') {
      for (const [name, value] of Object.entries(given))
        if (value !== undefined) this.#shadow.setHeader(name, value as string)
    }
    this.#sendHead()
    return res
  }

  /** `[name, value, …]` or `[[name, value], …]`. */
  #setList(list: unknown[]): void {
    const flat = Array.isArray(list[0]) ? (list as [string, string][]).flat() : (list as string[])
    for (let i = 0; i + 1 < flat.length; i += 2) this.#shadow.removeHeader(flat[i]!)
    for (let i = 0; i + 1 < flat.length; i += 2) this.#shadow.appendHeader(flat[i]!, flat[i + 1]!)
  }

  #sendHead(): void {
    if (this.#headSent || this.#ended) return
    this.#headSent = true
    const { res } = this
    const status = res.statusCode
    const reason = res.statusMessage || (STATUS_CODES[status] ?? '')
    this.sink.onHead({ status, reason, fields: endToEnd(this.#ownFields()), delimited: true }, this)
  }

  /** Fields that the handler has set: what was there before it belongs to this client's answer, not to the stored one. */
  #ownFields(): string[] {
    const headers = this.#shadow.getHeaders()
    const own: Record<string, string | string[] | number | undefined> = {}
    for (const raw of (this.#shadow as RawNames).getRawHeaderNames()) {
      const value = headers[raw.toLowerCase()]
      if (JSON.stringify(value) !== JSON.stringify(this.#before.get(raw.toLowerCase()))) own[raw] = value
    }
    return fromHeaderObject(own)
  }

  #write(chunk: unknown, encoding: unknown, done: unknown): boolean {
    const callback = (typeof encoding === 'function' ? encoding : done) as Callback | undefined
    if (this.#ended) {
      const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' })
      if (callback !== undefined) process.nextTick(callback, error)
      return false
    }
    this.#sendHead()
    const bytes = toBuffer(chunk, encoding)
    if (bytes.length > 0 && this.#mayHaveBody()) this.sink.onData(bytes)
    if (callback !== undefined) process.nextTick(callback, null)
    return !this.#paused
  }

  #end(chunk: unknown, encoding: unknown, done: unknown): ServerResponse {
    if (typeof chunk === 'function') return this.#end(undefined, undefined, chunk)
    const { res } = this
    const callback = (typeof encoding === 'function' ? encoding : done) as Callback | undefined
    if (this.#ended) return res
    const bytes = chunk === undefined || chunk === null ? undefined : toBuffer(chunk, encoding)
    // As node:http: a body that comes in one piece has a known length.
    if (!this.#headSent && this.#mayHaveBody() && !this.#shadow.hasHeader('content-length')) {
      this.#shadow.setHeader('Content-Length', bytes?.length ?? 0)
    }
    if (bytes !== undefined && bytes.length > 0) this.#write(bytes, undefined, undefined)
    this.#sendHead()
    this.#ended = true
    if (this.#isTorn()) this.sink.onFailure(torn())
    else this.sink.onEnd()
    if (callback !== undefined) process.nextTick(callback)
    if (res.destroyed) process.nextTick(() => this.#events.emit('close'))
    return res
  }

  #mayHaveBody(): boolean {
    const { statusCode, req } = this.res
    return req.method !== 'HEAD' && statusCode !== 204 && statusCode !== 304
  }

  /** Watches what is piped in: a proxy under us may end the response though its upstream broke off (FACTS). */
  #piped(source: Readable): void {
    this.#sources.add(source)
    source.once('close', () => {
      if (!this.#ended && source.readableEnded === false) {
        this.#ended = true
        this.sink.onFailure(torn())
      }
    })
  }

  #isTorn(): boolean {
    for (const source of this.#sources) if (source.readableEnded === false) return true
    return false
  }

  #destroyed(error: Error | undefined): ServerResponse {
    if (!this.#ended) {
      this.#ended = true
      this.sink.onFailure(
        new StrataError('STRATA_ORIGIN_ABORTED', 'the handler gave up its response', { cause: error }),
      )
    }
    this.#events.emit('close')
    return this.res
  }

  /**
   * The handler goes on for the others when its client has left. When it was not the client that left, but somebody here who
   * destroyed the connection (Express does when a handler fails after the head), the answer is torn.
   */
  #clientGone(req: IncomingMessage): void {
    const { socket } = req
    const leftByItself = socket.readableEnded || socket.errored !== null || !socket.destroyed
    if (this.#ended) this.#events.emit('close')
    else if (!leftByItself) {
      this.#ended = true
      this.sink.onFailure(torn())
      this.#events.emit('close')
    }
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#events.emit('drain')
  }
}

function toBuffer(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  if (Buffer.isBuffer(chunk)) return chunk
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  throw Object.assign(new TypeError('the chunk must be a string, a Buffer or a Uint8Array'), {
    code: 'ERR_INVALID_ARG_TYPE',
  })
}

function headersSent(method: string): Error {
  return Object.assign(new Error(`Cannot ${method} headers after they are sent to the client`), {
    code: 'ERR_HTTP_HEADERS_SENT',
  })
}

function torn(): StrataError {
  return new StrataError('STRATA_ORIGIN_TRUNCATED', 'the handler broke off its response')
}
