import { Pool, errors as undiciErrors, type Dispatcher } from 'undici'
import { StrataError, messageOf } from '../errors.js'
import type { Origin, OriginCall, OriginRequest, OriginSink } from '../engine/origin.js'
import { endToEnd } from '../http/hop-by-hop.js'
import { fieldValue } from '../http/fields.js'

export interface UpstreamSettings {
  /** `http://host:port`, optionally with a base path. */
  readonly origin: string
  readonly hostHeader: 'origin' | 'preserve'
  readonly viaName: string
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  /** Longest silence within a body. */
  readonly bodyTimeoutMs: number
  readonly maxConnections: number
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

  constructor(private readonly settings: UpstreamSettings) {
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
      connect: { timeout: settings.connectTimeoutMs },
      maxHeaderSize: 64 * 1024,
    }
    this.#pool = new Pool(url.origin, options)
    this.#fresh = new Pool(url.origin, options)
  }

  fetch(request: OriginRequest, sink: OriginSink): OriginCall {
    const call = new UpstreamCall(request, sink, this.settings.viaName, () =>
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

/** One request, in undici's dispatch handler interface. */
class UpstreamCall implements OriginCall {
  #abort: ((reason?: Error) => void) | undefined
  #aborted = false
  #headSeen = false
  #paused = false
  #resume: (() => void) | undefined
  #tries = 1

  constructor(
    private readonly request: OriginRequest,
    private readonly sink: OriginSink,
    private readonly viaName: string,
    private readonly again: () => void,
  ) {}

  abort(): void {
    this.#aborted = true
    this.#abort?.(new Error('not wanted any more'))
  }

  onConnect(abort: (reason?: Error) => void): void {
    if (this.#aborted) return abort(new Error('not wanted any more'))
    this.#abort = abort
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    if (this.#aborted) return true
    const fields: string[] = raw.map(text => text.toString('latin1'))
    if (status < 200) {
      this.sink.onInterim(status, endToEnd(fields))
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
    clean.push('Via', `1.1 ${this.viaName}`)
    this.sink.onHead({ status, reason, fields: clean, delimited }, this)
    return !this.#paused
  }

  onData(chunk: Buffer): boolean {
    if (!this.#aborted) this.sink.onData(chunk)
    return !this.#paused
  }

  onComplete(): void {
    if (!this.#aborted) this.sink.onEnd()
  }

  onError(error: Error): void {
    if (this.#aborted) return
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

function originError(error: Error, headSeen: boolean): StrataError {
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
