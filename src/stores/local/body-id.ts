import { StrataError } from '../../errors.js'

const BODY_ID = /^[A-Za-z0-9_-]{1,64}$/

/** Ids come out of stored metadata, which is untrusted (P10): nothing else may become part of a path. */
export function isBodyId(id: string): boolean {
  return BODY_ID.test(id)
}

/** @throws StrataError STRATA_INTERNAL for what is no body id. */
export function requireBodyId(id: string): void {
  if (!isBodyId(id))
    throw new StrataError('STRATA_INTERNAL', `not a body id: ${JSON.stringify(id.slice(0, 80))}`)
}

export function missingBody(id: string, cause?: unknown): StrataError {
  return new StrataError(
    'STRATA_BODY_MISSING',
    `no body is stored under the id ${JSON.stringify(id.slice(0, 80))}`,
    { cause },
  )
}

/** For a body that holds fewer bytes than it must: never an end of stream. */
export function shortBody(id: string, has: number, asked: number): StrataError {
  return new StrataError('STRATA_BODY_DAMAGED', `body ${id} ends at byte ${has}, ${asked} were asked for`)
}
