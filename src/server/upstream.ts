import { buildConnector, Pool, errors as undiciErrors, type Dispatcher } from 'undici'
import { isStrataError, StrataError, messageOf } from '../errors.js'
import type { Origin, OriginCall, OriginRequest, OriginSink } from '../engine/origin.js'
import { passingMemory, type PassingMemory } from '../engine/body/passing-memory.js'
import { END, tell, type OriginEvent } from '../engine/origin-event.js'
import { endToEnd } from '../http/hop-by-hop.js'
import { fieldValue } from '../http/fields.js'
import { watchedClient, type OnConnection, type UpstreamConnection } from './upstream-connection.js'

export interface UpstreamSettings {
  /** `http://host:port`, optionally with a base path. */
  readonly origin: string
  readonly hostHeader: 'origin' | 'preserve'
  readonly viaName: string
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  /** Longest silence within a body. */
  readonly bodyTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly maxConnections: number
  /** What comes with more behind its end is no message, or one all the same. */
  readonly surplusBytes: 'refuse' | 'ignore'
}

/** Methods that may be sent again when a pooled connection breaks before the first byte (RFC 9110 §9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])

/** An upstream over HTTP: streams, counts framing, never takes a broken message for a whole one. */
export class Upstream implements Origin {
  readonly #pool: Pool
  /** For a second try: each request on a new connection, for the origin may just be closing all those that were kept. */
  readonly #fresh: Pool
  readonly #base: string
  readonly #host: string

  constructor(
    private readonly settings: UpstreamSettings,
    private readonly memory = passingMemory,
  ) {
    const url = new URL(settings.origin)
    this.#base = url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '')
    this.#host = url.host
    const options: Pool.Options = {
      connections: settings.maxConnections,
      pipelining: 1,
      headersTimeout: settings.headersTimeoutMs,
      bodyTimeout: settings.bodyTimeoutMs,
      // Below the 2 s after which gunicorn closes an idle connection: a retry is dearer than a new connection.
      keepAliveTimeout: 1500,
      connect: buildConnector({ timeout: settings.connectTimeoutMs }),
      factory: watchedClient,
      maxHeaderSize: settings.maxHeaderBytes,
    }
    this.#pool = new Pool(url.origin, options)
    this.#fresh = new Pool(url.origin, options)
  }

  fetch(request: OriginRequest, sink: OriginSink): OriginCall {
    const call = new UpstreamCall(request, sink, this.settings, this.memory, () =>
      this.#dispatch(this.#fresh, request, call),
    )
    this.#dispatch(this.#pool, request, call)
    return call
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#fresh.destroy()])
  }

  #dispatch(pool: Pool, request: OriginRequest, call: UpstreamCall): void {
    try {
      pool.dispatch(
        {
          path: this.#base + request.target,
          method: request.method as Dispatcher.HttpMethod,
          headers: this.#headers(request),
          body: request.body ?? null,
          // Such a connection is closed after its request, so that the next one there is new, too.
          reset: pool === this.#fresh,
        },
        call,
      )
    } catch (error) {
      call.onError(error as Error)
    }
  }

  #headers(request: OriginRequest): string[] {
    const host =
      this.settings.hostHeader === 'preserve' && request.authority !== '' ? request.authority : this.#host
    return ['Host', host, ...request.fields]
  }
}

/** Interim responses of one request: more of them are an origin gone mad. */
const MOST_INTERIM = 32

function handOn(call: UpstreamCall): void {
  call.handOn()
}

/**
 * One request, in undici's dispatch handler interface. What one read from the connection brings is handed on once all of it has been
 * parsed: a message with something behind its end is no message.
 */
class UpstreamCall implements OriginCall, OnConnection {
  connection: UpstreamConnection | undefined
  #interim = 0
  #isEnded = false
  #failed: Error | undefined
  /** What the present read has brought, in its order; undefined between reads. */
  #read: OriginEvent[] | undefined
  #abort: ((reason?: Error) => void) | undefined
  #aborted = false
  #headSeen = false
  #paused = false
  #resume: (() => void) | undefined
  #tries = 1

  constructor(
    private readonly request: OriginRequest,
    private readonly sink: OriginSink,
    private readonly settings: UpstreamSettings,
    private readonly memory: PassingMemory,
    private readonly again: () => void,
  ) {}

  abort(): void {
    this.#aborted = true
    this.#abort?.(new Error('not wanted any more'))
  }

  onConnect(abort: (reason?: Error) => void): void {
    if (this.#aborted) return abort(new Error('not wanted any more'))
    this.#abort = abort
    this.connection?.begin()
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    if (this.#aborted) return true
    const fields: string[] = raw.map(text => text.toString('latin1'))
    if (status < 200) {
      if (++this.#interim > MOST_INTERIM) this.#abort?.(invalid('too many interim responses'))
      else this.#brought({ status, fields: endToEnd(fields) })
      return true
    }
    this.#headSeen = true
    this.#resume = resume
    const delimited =
      fieldValue(fields, 'content-length') !== undefined ||
      /(^|,)\s*chunked\s*$/i.test(fieldValue(fields, 'transfer-encoding') ?? '') ||
      status === 204 ||
      status === 304 ||
      this.request.method === 'HEAD'
    const clean = endToEnd(fields)
    clean.push('Via', `1.1 ${this.settings.viaName}`)
    this.#brought({ status, reason, fields: clean, delimited })
    return !this.#paused
  }

  onData(chunk: Buffer): boolean {
    this.memory.passing(chunk.length)
    this.#brought(chunk)
    return !this.#paused
  }

  onComplete(): void {
    this.#isEnded = true
    this.connection?.over()
    this.#brought(END)
  }

  #brought(event: OriginEvent): void {
    if (this.#read !== undefined) return void this.#read.push(event)
    this.#read = [event]
    // undici parses what one read brought in one go: this comes after it.
    process.nextTick(handOn, this)
  }

  /** Hands on what the read that is over has brought. */
  handOn(): void {
    const read = this.#read!
    this.#read = undefined
    if (this.#aborted) return
    const isSpoilt = this.connection?.isSpoilt === true
    if (!isSpoilt || (this.#isEnded && this.settings.surplusBytes === 'ignore')) {
      for (const event of read) if (!this.#aborted) tell(this.sink, event, this)
    } else if (this.#isEnded) this.sink.onFailure(invalid('there is more than its framing says'))
    // Before the end of the message undici tells of it by itself.
    if (this.#failed !== undefined) this.onError(this.#failed)
  }

  onError(error: Error): void {
    if (this.#aborted) return
    if (this.#read !== undefined) return void (this.#failed = error)
    const mayRetry =
      !this.#headSeen &&
      this.#tries === 1 &&
      this.request.body === undefined &&
      IDEMPOTENT.has(this.request.method)
    if (mayRetry && isClosedEarly(error)) {
      this.#tries++
      return this.again()
    }
    this.sink.onFailure(originError(error, this.#headSeen))
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#resume?.()
  }
}

/** The origin closed a kept connection just as the request went out. */
function isClosedEarly(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}

function invalid(what: string): StrataError {
  return new StrataError('STRATA_ORIGIN_INVALID', `the origin sent what is no valid HTTP message: ${what}`)
}

function originError(error: Error, headSeen: boolean): StrataError {
  if (isStrataError(error)) return error
  const detail = messageOf(error)
  if (error instanceof undiciErrors.HeadersTimeoutError || error instanceof undiciErrors.BodyTimeoutError) {
    return new StrataError('STRATA_ORIGIN_TIMEOUT', 'the origin took too long to answer', { cause: error })
  }
  if (error instanceof undiciErrors.ConnectTimeoutError) {
    return new StrataError('STRATA_ORIGIN_TIMEOUT', 'the origin took too long to connect to', {
      cause: error,
    })
  }
  if (error instanceof undiciErrors.InvalidArgumentError || error instanceof undiciErrors.NotSupportedError) {
    return new StrataError('STRATA_BAD_REQUEST', `this request can't be passed on: ${detail}`, {
      cause: error,
    })
  }
  if (headSeen)
    return new StrataError('STRATA_ORIGIN_TRUNCATED', `the origin broke off its answer: ${detail}`, {
      cause: error,
    })
  if (error instanceof undiciErrors.HTTPParserError || error instanceof undiciErrors.HeadersOverflowError) {
    return new StrataError('STRATA_ORIGIN_INVALID', 'the origin sent what is no valid HTTP message', {
      cause: error,
    })
  }
  return new StrataError('STRATA_ORIGIN_UNREACHABLE', `the origin can't be reached: ${detail}`, {
    cause: error,
  })
}
