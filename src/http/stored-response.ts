import type { RawFields } from './fields.js'

/** One request field that the response's Vary names, with the value of the request that brought it (RFC 9111 §4.1). */
export interface SelectingField {
  /** Field name in lower case. */
  readonly name: string
  /** The normalised value; null when the request did not have the field. */
  readonly value: string | null
}

/** The part of a representation that is stored when it is not whole (RFC 9111 §3.3); byte positions are inclusive. */
export interface StoredRange {
  readonly first: number
  readonly last: number
  /** Length of the whole representation in bytes; undefined when the origin said `*`. */
  readonly complete?: number
}

/** What HTTP policy needs to know of a stored response. Times are milliseconds since the epoch. */
export interface StoredResponse {
  /** Method of the request that brought it: GET, or POST with a Content-Location of its own (RFC 9110 §9.3.3). */
  readonly method: string
  readonly status: number
  /** Reason phrase as the origin sent it. */
  readonly reason: string
  readonly fields: RawFields
  /** When the request was sent to the origin (RFC 9111 §4.2.3 request_time), ms. */
  readonly requestTime: number
  /** When the response's header section had come (response_time), ms. */
  readonly responseTime: number
  readonly selecting: readonly SelectingField[]
  readonly range?: StoredRange
}
