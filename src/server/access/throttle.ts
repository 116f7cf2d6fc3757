import type { Principal } from '../../engine/access/scopes.js'
import type { AskingRequest } from './local-request.js'

/** Counts requests and failed logins, and turns away what is too much of either. */
export interface Throttle {
  /** One request more from its address, which it gives back. @throws Refused STRATA_RATE_LIMITED, also while the address is locked out */
  arrive(req: AskingRequest): Promise<string>
  /** Credentials from there were wrong. */
  failed(address: string): Promise<void>
  /** One request more of this principal. @throws Refused STRATA_RATE_LIMITED */
  entered(principal: Principal): Promise<void>
}

/** Counts nothing. */
export const unthrottled: Throttle = {
  arrive: async req => req.socket.remoteAddress ?? 'unknown',
  failed: async () => undefined,
  entered: async () => undefined,
}
