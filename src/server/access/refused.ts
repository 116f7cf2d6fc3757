import { StrataError, type ErrorCode } from '../../errors.js'

/** An error whose answer has fields of its own: what to send in place of it, or when. */
export class Refused extends StrataError {
  constructor(
    code: ErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>>,
    options?: { cause?: unknown },
  ) {
    super(code, message, options)
  }
}

/** Fields that go with an error's answer. */
export function refusalHeaders(error: unknown): Readonly<Record<string, string>> {
  return error instanceof Refused ? error.headers : {}
}

/** RFC 6750 §3: what was wrong with the credentials. Without `error` there were none. */
export function challenge(error?: 'invalid_token' | 'insufficient_scope', scope?: readonly string[]): string {
  const parts = ['Bearer realm="strata"']
  if (error !== undefined) parts.push(`error="${error}"`)
  if (scope !== undefined) parts.push(`scope="${scope.join(' ')}"`)
  return parts.join(', ')
}

/**
 * Credentials that are not good.
 * @param isGuess they may have been made up: too many of these lock an address out. A good signature on a token that has run out is none.
 */
export class BadCredential extends Refused {
  constructor(
    message: string,
    readonly isGuess: boolean,
  ) {
    super('STRATA_UNAUTHORIZED', message, { 'WWW-Authenticate': challenge('invalid_token') })
  }
}
