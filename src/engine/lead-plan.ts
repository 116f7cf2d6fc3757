import type { Assessment } from './assess.js'
import type { EntryCandidate } from './candidates.js'
import type { ClientRequest } from './exchange.js'
import type { ForwardMode } from './forward.js'
import type { Identity } from './identity.js'
import type { Origin, ResponseHead } from './origin.js'
import type { Entry, FenceState, RawFields } from './ports/index.js'
import type { Rule } from './rules.js'
import type { UnkeyedFields } from './unkeyed-fields.js'

/** What a lead goes by, and whom it tells. */
export interface LeadPlan {
  readonly request: ClientRequest
  readonly origin: Origin
  readonly identity: Identity
  readonly rule: Rule
  readonly mode: ForwardMode
  readonly stamp: FenceState | undefined
  readonly candidate: EntryCandidate | undefined
  readonly unkeyed: UnkeyedFields
  /** Nobody asks for it: what comes does not push out of memory what somebody does. */
  readonly isWarming: boolean
  /** Told what has been stored, and lives. */
  readonly onStored: ((entry: Entry) => void) | undefined
  /** Nobody can join this flight. */
  readonly isAlone: () => boolean
  /** Runs before an answer is judged and delivered (invalidation by unsafe methods); gives the fence after it if it raised it. */
  readonly beforeHead: ((head: ResponseHead) => Promise<FenceState | undefined>) | undefined
  /** Told what came of it, once: for counters, hit-for-miss and logs. */
  readonly onJudged: (
    assessment: Assessment['action'] | 'complete',
    refusal: string | undefined,
    isShared: boolean,
  ) => void
  /** What comes is going to be found elsewhere than where it was looked for. */
  readonly onAddressed: (address: Identity) => void
  readonly onInterim: (status: number, fields: RawFields) => void
}
