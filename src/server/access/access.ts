import { SCOPES, type Principal, type Scope } from '../../engine/access/scopes.js'
import { isStrataError, type StrataError } from '../../errors.js'
import { isLocal, type AskingRequest } from './local-request.js'
import { BadCredential, challenge, Refused } from './refused.js'
import { staticToken } from './static-token.js'
import { unthrottled, type Throttle } from './throttle.js'

export type { AskingRequest } from './local-request.js'

/**
 * Knows one kind of credentials. Undefined: they are of another kind.
 * @throws BadCredential; StrataError (503) when that can't be found out now
 */
export type Verifier = (credentials: string) => Promise<Principal | undefined>

export interface AccessOptions {
  /** The bearer token that may do everything. */
  readonly token?: string | undefined
  /** Without credentials a direct request from this machine may do everything, as long as neither a token nor an issuer is set. */
  readonly trustLoopback: boolean
  readonly verifiers?: readonly Verifier[]
  readonly throttle?: Throttle
  /** Where a request comes from (`clientAddress`); without it, its peer. */
  readonly addressOf?: (req: AskingRequest) => string
}

/** Longest credentials that are looked at, characters. */
const MAX_CREDENTIALS = 8192

const LOCAL: Principal = { kind: 'local', id: 'local', scopes: new Set(SCOPES) }

/** Who may do what by the admin routes and the purge methods: the one place that decides it. */
export class Access {
  readonly #options: AccessOptions
  readonly #token: ReturnType<typeof staticToken> | undefined
  readonly #throttle: Throttle

  constructor(options: AccessOptions) {
    this.#options = options
    const { token } = options
    this.#token = token === undefined || token === '' ? undefined : staticToken(token)
    this.#throttle = options.throttle ?? unthrottled
  }

  /**
   * Who sends this request.
   * @throws Refused STRATA_UNAUTHORIZED, STRATA_FORBIDDEN, STRATA_RATE_LIMITED; StrataError 503
   */
  async enter(req: AskingRequest): Promise<Principal> {
    const address = this.addressOf(req)
    await this.#throttle.arrived(address)
    const credentials = bearerOf(req)
    const principal =
      credentials === undefined
        ? this.#withoutCredentials(req)
        : await this.#throttle.login(address, () => this.#withCredentials(credentials), isGuess)
    await this.#throttle.entered(principal)
    return principal
  }

  /** Whether who sent this request still may: for streams, which would outlive a key that is revoked. */
  async stillMay(req: AskingRequest, scope: Scope | readonly Scope[]): Promise<boolean> {
    const credentials = bearerOf(req)
    try {
      allow(
        credentials === undefined ? this.#withoutCredentials(req) : await this.#withCredentials(credentials),
        scope,
      )
      return true
    } catch (error) {
      // Also while it can't be found out: a stream can be opened again.
      if (isStrataError(error)) return false
      throw error
    }
  }

  /** Where it comes from. */
  addressOf(req: AskingRequest): string {
    return this.#options.addressOf?.(req) ?? req.socket.remoteAddress ?? 'unknown'
  }

  #withoutCredentials(req: AskingRequest): Principal {
    const { trustLoopback } = this.#options
    if (this.#token !== undefined || !trustLoopback) {
      const message = 'credentials are needed: send "Authorization: Bearer <admin token, API key or JWT>"'
      throw new Refused('STRATA_UNAUTHORIZED', message, { 'WWW-Authenticate': challenge() })
    }
    if (isLocal(req)) return LOCAL
    const message =
      'without an admin token only direct requests from this machine are served: set one (STRATA_ADMIN_TOKEN)'
    throw new Refused('STRATA_FORBIDDEN', message, {})
  }

  async #withCredentials(credentials: string): Promise<Principal> {
    if (credentials.length > MAX_CREDENTIALS) throw new BadCredential('the credentials are too long', true)
    const operator = this.#token?.(credentials)
    if (operator !== undefined) return operator
    for (const verify of this.#options.verifiers ?? []) {
      const principal = await verify(credentials)
      if (principal !== undefined) return principal
    }
    throw new BadCredential('these credentials are wrong, or no longer good', true)
  }
}

/** Wrong credentials, and good ones that do not reach as far: what somebody will want to know of. */
export function isIntrusion(error: unknown, principal: Principal | undefined): error is StrataError {
  return (
    error instanceof BadCredential || (principal !== undefined && isStrataError(error, 'STRATA_FORBIDDEN'))
  )
}

function isGuess(error: unknown): boolean {
  return error instanceof BadCredential && error.isGuess
}

/** @throws Refused STRATA_FORBIDDEN, unless the principal has one of the scopes */
export function allow(principal: Principal, scope: Scope | readonly Scope[]): void {
  const wanted = typeof scope === 'string' ? [scope] : scope
  if (wanted.some(one => principal.scopes.has(one))) return
  const which = wanted.length === 1 ? `the scope ${wanted[0]}` : `one of the scopes ${wanted.join(', ')}`
  throw new Refused('STRATA_FORBIDDEN', `this needs ${which}`, {
    'WWW-Authenticate': challenge('insufficient_scope', wanted),
  })
}

/** What stands in Authorization; undefined when it is nothing (`Bearer` alone, as from an empty variable) or of another scheme. */
function bearerOf({ headers }: AskingRequest): string | undefined {
  return /^Bearer +([^\s]+) *$/i.exec(headers.authorization ?? '')?.[1]
}
