import type { ClientRequest } from './exchange.js'
import type { Identity } from './identity.js'
import type { OriginRequest } from './origin.js'
import type { Rule } from './rules.js'
import type { UnkeyedFields } from './unkeyed-fields.js'

/** Preconditions are the cache's own business: it asks for the whole, and evaluates the client's against what it has then. */
const PRECONDITIONS: ReadonlySet<string> = new Set(['if-none-match', 'if-modified-since'])
const PRECONDITIONS_AND_RANGE: ReadonlySet<string> = new Set([...PRECONDITIONS, 'range', 'if-range'])
const NONE: ReadonlySet<string> = new Set()

export interface Validators {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

export type ForwardMode =
  /** As the client sent it. */
  | { readonly kind: 'pass' }
  /** For storing; `range`: the client's Range goes along. */
  | { readonly kind: 'fetch'; readonly range: boolean }
  | { readonly kind: 'revalidate'; readonly validators: Validators }
  /** The rest of a stored part (RFC 9110 §15.3.7.3), if it is still of the same representation. */
  | { readonly kind: 'complete'; readonly range: string; readonly validators: Validators }

/** The request that goes to the origin: nothing in it that the key ignores (P4). */
export function originRequest(
  request: ClientRequest,
  identity: Identity,
  mode: ForwardMode,
  rule: Rule,
  unkeyed: UnkeyedFields,
): OriginRequest {
  const ownAffair = ownAffairIn(mode)
  const { dropped } = unkeyed
  const rewritesCookie = rule.keyCookies.length > 0 || rule.cookies === 'strip'
  const { surrogateDevice } = rule.policy
  const answersCors = rule.layer?.settings.cors !== undefined
  const { rawFields } = request
  const fields: string[] = []
  for (let i = 0; i + 1 < rawFields.length; i += 2) {
    const name = rawFields[i]!.toLowerCase()
    if (ownAffair.has(name) || dropped.has(name) || (rewritesCookie && name === 'cookie')) continue
    // The layer's own CORS fields take the place of what the origin would say to this one.
    if (answersCors && name === 'origin') continue
    // What a client says to be capable of is no part of the key, and the answer to it would be everybody's.
    if (surrogateDevice !== undefined && name === 'surrogate-capability') continue
    fields.push(rawFields[i]!, rawFields[i + 1]!)
  }
  if (rewritesCookie && identity.cookie !== undefined) fields.push('Cookie', identity.cookie)
  if (surrogateDevice !== undefined) fields.push('Surrogate-Capability', `${surrogateDevice}="Surrogate/1.0"`)
  if (mode.kind === 'revalidate') pushValidators(fields, mode.validators)
  if (mode.kind === 'complete') {
    fields.push('Range', mode.range)
    const { etag } = mode.validators
    if (etag !== undefined && !etag.startsWith('W/')) fields.push('If-Range', etag)
  }
  return {
    method: request.method,
    target: identity.target,
    scheme: request.scheme,
    authority: request.authority,
    fields,
    body: request.body,
  }
}

function ownAffairIn(mode: ForwardMode): ReadonlySet<string> {
  if (mode.kind === 'pass') return NONE
  return mode.kind === 'fetch' && mode.range ? PRECONDITIONS : PRECONDITIONS_AND_RANGE
}

function pushValidators(fields: string[], { etag, lastModified }: Validators): void {
  if (etag !== undefined) fields.push('If-None-Match', etag)
  if (lastModified !== undefined) fields.push('If-Modified-Since', lastModified)
}

/** Why a request goes past the cache; undefined when it does not. */
export function bypassReason(
  request: ClientRequest,
  identity: Identity,
  rule: Rule,
  maxUrlLength: number,
): string | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') return 'method'
  if (rule.bypass) return rule.isAmbiguous ? 'ambiguous-path' : 'rule'
  if (request.body !== undefined) return 'request-body'
  const { headers } = request
  if (headers['if-match'] !== undefined || headers['if-unmodified-since'] !== undefined) return 'precondition'
  if (hasUnkeyedCookie(identity, rule) && rule.cookies === 'bypass') return 'cookie'
  // With key fields, the key can be longer than the target.
  if (identity.target.length > maxUrlLength || identity.text.length > maxUrlLength * 2) return 'url-length'
  return undefined
}

/** The origin sees a cookie that is no part of the key. */
export function hasUnkeyedCookie(identity: Identity, rule: Rule): boolean {
  return identity.cookie !== undefined && rule.keyCookies.length === 0
}
