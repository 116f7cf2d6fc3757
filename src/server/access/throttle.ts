import type { Principal } from '../../engine/access/scopes.js'
import type { RateLimiter, RateLimiters } from '../../engine/ports/rate-limiter.js'
import { countedAs } from './client-address.js'
import { Refused } from './refused.js'
import { Turns } from './turns.js'

/** Counts requests and failed logins, and turns away what is too much of either. */
export interface Throttle {
  /** One request more from there. @throws Refused STRATA_RATE_LIMITED */
  arrived(address: string): Promise<void>
  /**
   * Looks at credentials from there: those of one address one after another, so that a hundred guesses at once are counted, too.
   * @param isWrong whether what `verify` threw says that they were made up
   * @throws what `verify` throws; Refused STRATA_RATE_LIMITED while the address is locked out
   */
  login<T>(address: string, verify: () => Promise<T>, isWrong: (error: unknown) => boolean): Promise<T>
  /** One request more of this principal. @throws Refused STRATA_RATE_LIMITED */
  entered(principal: Principal): Promise<void>
}

export interface ThrottleSettings {
  readonly rateLimit: {
    /** Requests in a minute; 0: no limit. */
    readonly perAddress: number
    readonly perPrincipal: number
  }
  readonly lockout: {
    /** Wrong credentials from one address within `windowMs` after which it is locked out for `lockMs`. */
    readonly attempts: number
    readonly windowMs: number
    readonly lockMs: number
  }
}

const MINUTE = 60

/** Counts nothing. */
export const unthrottled: Throttle = {
  arrived: async () => undefined,
  login: (_, verify) => verify(),
  entered: async () => undefined,
}

export function throttle(limiters: RateLimiters, { rateLimit, lockout }: ThrottleSettings): Throttle {
  const perMinute = (name: string, points: number): RateLimiter | undefined =>
    points === 0 ? undefined : limiters({ name, points, windowSeconds: MINUTE })
  const addresses = perMinute('address', rateLimit.perAddress)
  const principals = perMinute('principal', rateLimit.perPrincipal)
  const failures = limiters({
    name: 'failed',
    // The one that goes beyond is the last that is looked at.
    points: lockout.attempts - 1,
    windowSeconds: Math.ceil(lockout.windowMs / 1000),
    blockSeconds: Math.ceil(lockout.lockMs / 1000),
  })
  const turns = new Turns()
  return {
    arrived: async address => {
      refuse(await addresses?.take(countedAs(address)), 'too many requests from this address')
    },
    entered: async ({ id }) => {
      refuse(await principals?.take(id), 'too many requests with these credentials')
    },
    login: (address, verify, isWrong) =>
      turns.take(countedAs(address), async key => {
        refuse(await failures.left(key), 'too many wrong credentials from this address')
        try {
          return await verify()
        } catch (error) {
          if (isWrong(error)) await failures.take(key)
          throw error
        }
      }),
  }
}

function refuse(waitMs: number | undefined, message: string): void {
  if (waitMs === undefined || waitMs === 0) return
  const seconds = Math.ceil(waitMs / 1000)
  throw new Refused('STRATA_RATE_LIMITED', `${message}: try again in ${seconds} s`, {
    'Retry-After': String(seconds),
  })
}
