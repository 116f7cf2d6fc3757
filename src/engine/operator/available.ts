import { messageOf, StrataError } from '../../errors.js'

/** Whatever a store fails with is one thing to an operator: it is not available, and nothing is promised. */
export async function available<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (cause instanceof StrataError) throw cause
    throw new StrataError('STRATA_STORE_UNAVAILABLE', `the store failed: ${messageOf(cause)}`, { cause })
  }
}
