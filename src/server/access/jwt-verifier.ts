import { createHash } from 'node:crypto'
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { isRole, isScope, scopesOf, type Role, type Scope } from '../../engine/access/scopes.js'
import type { Clock } from '../../engine/clock.js'
import { messageOf, StrataError } from '../../errors.js'
import type { Verifier } from './access.js'
import { BadCredential } from './refused.js'

export interface JwtSettings {
  readonly issuer: string
  readonly audience: readonly string[]
  /** Asymmetric ones only: with a shared secret whoever can check a token can also make one. */
  readonly algorithms: readonly string[]
  readonly clockSkewMs: number
  /** Claim with the scopes: text with blanks, or a list; a dotted path for one within another (`realm_access.roles`). */
  readonly scopesClaim: string
  /** What stands before one of our scopes in the claim: `strata:purge`. */
  readonly scopePrefix: string
  /** What other values of the claim stand for. */
  readonly scopes?: Readonly<Record<string, readonly (Scope | Role)[]>> | undefined
  /** Claim with the namespaces that the token is good for (`*`: all); without one it is good for each that trusts the issuer. */
  readonly namespacesClaim?: string | undefined
}

const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/

/** JSON Web Tokens (RFC 7519, 9068) of one issuer as credentials. */
export function jwtVerifier(
  settings: JwtSettings,
  parts: { readonly keys: JWTVerifyGetKey; readonly clock: Clock; readonly namespace: string },
): Verifier {
  const { issuer, audience, algorithms, clockSkewMs, namespacesClaim } = settings
  return async credentials => {
    if (!JWT.test(credentials)) return undefined
    const { payload } = await jwtVerify(credentials, parts.keys, {
      issuer,
      audience: [...audience],
      algorithms: [...algorithms],
      clockTolerance: clockSkewMs / 1000,
      currentDate: new Date(parts.clock.now()),
      requiredClaims: ['exp'],
    }).catch(refuse)
    if (namespacesClaim !== undefined) {
      const namespaces = valuesOf(payload, namespacesClaim)
      if (!namespaces.includes(parts.namespace) && !namespaces.includes('*'))
        throw new BadCredential('the token is not for this namespace', false)
    }
    return { kind: 'jwt', id: idOf(payload), scopes: scopesOf(grantedBy(payload, settings)) }
  }
}

/** The signature is looked at before the claims: what fails by a claim has been made by the issuer, and is no guess. */
function refuse(error: unknown): never {
  if (error instanceof errors.JWTExpired) throw new BadCredential('the token has run out', false)
  if (error instanceof errors.JWTClaimValidationFailed)
    throw new BadCredential(`the token's claim "${error.claim}" is not as it has to be`, false)
  const isToken =
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    !(error instanceof errors.JWKSInvalid) &&
    error.code !== 'ERR_JOSE_GENERIC'
  if (isToken) throw new BadCredential('the token is not one of the issuer', true)
  const message = `the keys of the tokens' issuer can't be had: ${messageOf(error)}`
  throw new StrataError('STRATA_STORE_UNAVAILABLE', message, { cause: error })
}

function grantedBy(
  payload: JWTPayload,
  { scopesClaim, scopePrefix, scopes = {} }: JwtSettings,
): (Scope | Role)[] {
  return valuesOf(payload, scopesClaim).flatMap(value => {
    const mapped = Object.hasOwn(scopes, value) ? scopes[value]! : []
    const own = value.startsWith(scopePrefix) ? value.slice(scopePrefix.length) : undefined
    return isScope(own) || isRole(own) ? [own, ...mapped] : mapped
  })
}

/** A claim's values: those of a list, or of a text with blanks (RFC 8693 §4.2). */
function valuesOf(payload: JWTPayload, claim: string): string[] {
  let value: unknown = Object.hasOwn(payload, claim) ? payload[claim] : undefined
  if (value === undefined && claim.includes('.')) {
    value = claim
      .split('.')
      .reduce<unknown>(
        (at, name) =>
          typeof at === 'object' && at !== null && Object.hasOwn(at, name)
            ? (at as Record<string, unknown>)[name]
            : undefined,
        payload,
      )
  }
  if (typeof value === 'string') return value.split(' ').filter(one => one !== '')
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : []
}

/** Who it is for the audit log. A long name by its digest, so that two of them are not taken for one. */
function idOf({ sub, client_id: client }: JWTPayload): string {
  const who = sub ?? (typeof client === 'string' ? client : '')
  return `jwt:${who.length <= 100 ? who : createHash('sha256').update(who).digest('base64url')}`
}
