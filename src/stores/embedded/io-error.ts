import { isStrataError, messageOf, StrataError } from '../../errors.js'

/** What the file system refuses (no space, no permission, no more files, …) is a store that is not available. */
export function ioError(error: unknown): StrataError {
  if (isStrataError(error)) return error
  return new StrataError('STRATA_STORE_UNAVAILABLE', `the body folder failed: ${messageOf(error)}`, {
    cause: error,
  })
}

/** Whether the system refused with one of these codes (errno(3)). */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code))
}
