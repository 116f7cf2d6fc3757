import { messageOf, StrataError } from '../../errors.js'
import { missingBody } from '../local/body-id.js'

/** What the SDK adds to its errors. */
interface Described {
  readonly name?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The one place where an error of the AWS SDK becomes a StrataError. `id`: the body that was asked for. */
export function s3Error(error: unknown, id?: string): StrataError {
  if (error instanceof StrataError) return error
  const { name, code, $metadata } = described(error)
  const status = $metadata?.httpStatusCode
  const missing = name === 'NoSuchKey' || name === 'NotFound' || (status === 404 && name !== 'NoSuchBucket')
  if (missing && id !== undefined) return missingBody(id, error)
  if (name === 'TimeoutError' || name === 'AbortError' || code === 'ETIMEDOUT') {
    return new StrataError('STRATA_STORE_TIMEOUT', `S3 did not answer in time (${messageOf(error)})`, {
      cause: error,
    })
  }
  const reason = [status, name === 'Error' ? code : name, messageOf(error)].filter(Boolean).join(' ')
  return new StrataError('STRATA_STORE_UNAVAILABLE', `S3 failed: ${reason}`, { cause: error })
}

function described(error: unknown): Described {
  return typeof error === 'object' && error !== null ? error : {}
}
