import { isStrataError, messageOf, StrataError } from '../../errors.js'

/** What the file system refuses (no space, no permission, no more files, …) is a store that is not available. */
export function ioError(error: unknown): StrataError {
  if (isStrataError(error)) return error
  return new StrataError('STRATA_STORE_UNAVAILABLE', `the body folder failed: ${messageOf(error)}`, {
    cause: error,
  })
}

export function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT'
}
