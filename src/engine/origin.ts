import type { Readable } from 'node:stream'
import type { StrataError } from '../errors.js'
import type { RawFields } from './ports/index.js'

/** What goes to the origin. Its fields are end-to-end ones, already cleaned of all that the key ignores (P4). */
export interface OriginRequest {
  readonly method: string
  /** Path and query as the origin receives them. */
  readonly target: string
  readonly scheme: 'http' | 'https'
  /** The client's authority, normalised. */
  readonly authority: string
  readonly fields: RawFields
  /** Content of the request; undefined when it has none. */
  readonly body: Readable | undefined
}

/** Header section of a final response. */
export interface ResponseHead {
  readonly status: number
  readonly reason: string
  /** End-to-end fields. */
  readonly fields: RawFields
  /** The origin's framing tells where the body ends: Content-Length, chunked, or a handler that calls `end()` (P3). */
  readonly delimited: boolean
  /** Tags that the code which made the response gave it, beside those of its fields. */
  readonly tags?: readonly string[]
}

export interface FlowControl {
  pause(): void
  resume(): void
}

/**
 * Takes an origin's answer as it comes: interim heads, one head, data, and at last exactly one of `onEnd` (the message came to a
 * clean end) and `onFailure`. Nothing more comes after an abort.
 */
export interface OriginSink {
  onInterim(status: number, fields: RawFields): void
  onHead(head: ResponseHead, flow: FlowControl): void
  onData(chunk: Buffer): void
  onEnd(): void
  onFailure(error: StrataError): void
}

export interface OriginCall {
  /** Drops the request and whatever of the answer is still to come. */
  abort(): void
  /** The client has left, and nobody else can have the answer: it need not be finished, but is still taken if it is. */
  deserted?(): void
}

/** Where responses come from: the handlers behind the middleware, or an upstream over HTTP. */
export interface Origin {
  /** It can be asked once only: its answer has to be the one to the request as it came. */
  readonly once?: boolean
  fetch(request: OriginRequest, sink: OriginSink): OriginCall
}
