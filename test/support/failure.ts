import { isStrataError } from '../../src/errors.js'
import type { StrataError } from '../../src/errors.js'

/** The StrataError that `work` fails with. @throws any other error, or one of its own when nothing fails */
export async function failure(work: () => unknown): Promise<StrataError> {
  try {
    await work()
  } catch (error) {
    if (isStrataError(error)) return error
    throw error
  }
  throw new Error('nothing failed')
}
