import { setTimeout as pause } from 'node:timers/promises'
import { messageOf, StrataError } from '../../errors.js'

/** The reason comes in the same turn, or never, ms. */
const REASON_MS = 1_000

/** What lmdb rejects a write with whose transaction could not be written; the reason comes by a promise of its own. */
type CommitFailure = Error & { readonly commitError: Promise<never> }

/**
 * The disk has refused a commit: LMDB takes no more of them, or lets them wait for ever, until the file is opened anew. Undefined for
 * all other errors: those of a step.
 */
export async function commitFailure(error: unknown): Promise<StrataError | undefined> {
  if (!isCommitFailure(error)) return undefined
  const told = error.commitError.catch((reason: unknown) => reason)
  const cause: unknown = await Promise.race([told, pause(REASON_MS, error, { ref: false })])
  const message = `the embedded database can't be written (${messageOf(cause)}): see that its disk works and has room, then restart this process`
  return new StrataError('STRATA_STORE_UNAVAILABLE', message, { cause })
}

function isCommitFailure(error: unknown): error is CommitFailure {
  return typeof error === 'object' && error !== null && 'commitError' in error
}
