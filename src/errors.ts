/**
 * Every error that Strata raises on purpose: a stable code, the HTTP status it is answered with, and a message that tells
 * the reader what to do. A miss or a bypass is no error.
 */
const CODES = {
  STRATA_CONFIG: 500,
  STRATA_STORE_UNAVAILABLE: 503,
  STRATA_STORE_TIMEOUT: 503,
  STRATA_AUDIT: 503,
  STRATA_BODY_MISSING: 500,
  STRATA_BODY_DAMAGED: 500,
  STRATA_DECODE: 500,
  STRATA_ORIGIN_UNREACHABLE: 502,
  STRATA_ORIGIN_INVALID: 502,
  STRATA_ORIGIN_TRUNCATED: 502,
  STRATA_ORIGIN_TIMEOUT: 504,
  STRATA_ORIGIN_ABORTED: 502,
  STRATA_ONLY_IF_CACHED: 504,
  STRATA_BAD_REQUEST: 400,
  STRATA_UNAUTHORIZED: 401,
  STRATA_FORBIDDEN: 403,
  STRATA_NOT_FOUND: 404,
  STRATA_METHOD_NOT_ALLOWED: 405,
  STRATA_TOO_LARGE: 413,
  STRATA_RATE_LIMITED: 429,
  STRATA_LOOP: 508,
  STRATA_INTERNAL: 500,
} as const

export type ErrorCode = keyof typeof CODES

export class StrataError extends Error {
  readonly code: ErrorCode
  /** HTTP status code that this error is answered with. */
  readonly status: number

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; status?: number }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'StrataError'
    this.code = code
    this.status = options?.status ?? CODES[code]
  }
}

/** True when `error` is a StrataError with this code. */
export function isStrataError(error: unknown, code?: ErrorCode): error is StrataError {
  return error instanceof StrataError && (code === undefined || error.code === code)
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
