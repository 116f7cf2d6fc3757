import type { Readable } from 'node:stream'
import type { StrataError } from '../errors.js'
import type { Origin } from './origin.js'
import type { Entry, RawFields, TileRef } from './ports/index.js'

/** A request as the server layer hands it in: checked, its authority normalised, nothing decoded. */
export interface ClientRequest {
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** Host and, if it is not the scheme's default, port; lower case. */
  readonly authority: string
  /** The port that the client named, where `authority` leaves it out. */
  readonly port?: string
  /** Path as it came, e.g. `/a%20b`. */
  readonly path: string
  /** Query as it came, without `?`; undefined when there is no `?`. */
  readonly query: string | undefined
  /** Fields by lower-case name, lines of one field joined (node's `IncomingMessage.headers`). */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly rawFields: RawFields
  /** Names, in lower case, of fields that no client has a say in: ours, or a trusted peer's. */
  readonly vouched?: ReadonlySet<string>
  /** Content; undefined when the request has none. */
  readonly body: Readable | undefined
}

/** The client's side of an exchange. Its implementation knows node:http. */
export interface Responder {
  /** Sends the header section. */
  head(status: number, reason: string, fields: string[]): void
  /** Returns false when the client can't keep up: wait for `onDrain`. */
  write(chunk: Buffer): boolean
  end(chunk?: Buffer): void
  /** Answers with the error, or destroys the connection when part of an answer has gone out: a cut is seen as a cut. */
  fail(error: StrataError, fields: string[]): void
  interim(status: number, fields: RawFields): void
  onDrain(listener: () => void): void
  /** What `write` was given before is nobody's any more once `onDrain` tells: its memory may be written over. */
  readonly releasesOnDrain: boolean
  /** The client has gone, or the answer is out. */
  onClose(listener: () => void): void
  /** Answers in one go, of a head that was rendered once and is sent many times. */
  readonly rendered?: RenderedAnswers | undefined
  readonly headSent: boolean
  readonly closed: boolean
}

/** A head that was rendered once and is sent many times; what it is made of is for its maker alone. */
export interface RenderedHead {
  readonly status: number
}

export interface RenderedAnswers {
  /** Undefined when a field has what no field may have. */
  render(status: number, reason: string, fields: readonly string[]): RenderedHead | undefined
  /** Sends head and body, if there is one, whole or in pieces. False, and nothing is sent, when this client's answer has to be made in the ordinary way. */
  send(head: RenderedHead, body: Buffer | readonly Buffer[] | undefined): boolean
}

export type CacheResult = 'HIT' | 'MISS' | 'STALE' | 'REVALIDATED' | 'BYPASS'

/** What became of one request: the one value behind X-Cache, Cache-Status, the log line and the counters (P11). */
export interface Outcome {
  result: CacheResult | undefined
  /** The reason in one or two words. */
  detail: string
  /** Primary key; '' when none was made. */
  key: string
  /** Where the answer came from. */
  tier: 'memory' | 'shared' | 'origin' | 'none'
  /** Status that the origin answered with. */
  originStatus: number | undefined
  collapsed: boolean
  /** Bytes of content that went to the client. */
  bytes: number
  /** The Cache-Status value that was sent. */
  cacheStatus: string
  /** ms since the request came, by phase; only those phases that took place. */
  lookupMs: number | undefined
  originMs: number | undefined
  /** The tile that was asked for, where the rule has a layer. */
  tile: TileRef | undefined
  /** What the origin had taken for what was answered without it, ms. */
  savedMs: number
}

export interface Exchange {
  readonly request: ClientRequest
  readonly responder: Responder
  readonly origin: Origin
  readonly outcome: Outcome
  /** Nobody asks, it is to be stored: also what is asked for but once, and anew what was fetched before `since` (ms since the epoch). */
  readonly warming?: {
    readonly since: number
    /** Told what has been stored for it, and lives. */
    readonly onStored?: (entry: Entry) => void
  }
}

export function newOutcome(): Outcome {
  return {
    result: undefined,
    detail: '',
    key: '',
    tier: 'none',
    originStatus: undefined,
    collapsed: false,
    bytes: 0,
    cacheStatus: '',
    lookupMs: undefined,
    originMs: undefined,
    tile: undefined,
    savedMs: 0,
  }
}
