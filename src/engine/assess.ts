import { storedFields } from '../http/hop-by-hop.js'
import { fieldValue, hasField, withoutFields, withField } from '../http/fields.js'
import { formatHttpDate } from '../http/http-date.js'
import { initialAge } from '../http/freshness.js'
import { judge, type Judgement } from '../http/judge.js'
import { policyOf, type ResponsePolicy } from '../http/policy.js'
import { parseContentRange } from '../http/range.js'
import type { StoreRefusal, StoreRequest, StoreRule } from '../http/storable.js'
import type { StoredRange } from '../http/stored-response.js'
import { usefulUntil } from '../http/useful.js'
import { variantId } from '../http/vary.js'
import type { EntryCandidate } from './candidates.js'
import type { ClientRequest } from './exchange.js'
import { entryTags } from './entry-tags.js'
import { interned, internedFields } from './interned.js'
import { hasUnkeyedCookie } from './forward.js'
import { tileOf, type Identity } from './identity.js'
import type { ResponseHead } from './origin.js'
import type { Entry, FenceState } from './ports/index.js'
import { policyRuleFor, type Rule } from './rules.js'
import { varianceOf } from './search-variance.js'
import { selectingOf } from './selecting.js'
import type { EngineSettings } from './settings.js'
import type { UnkeyedFields } from './unkeyed-fields.js'

export interface AssessInput {
  readonly request: ClientRequest
  readonly identity: Identity
  readonly rule: Rule
  readonly settings: EngineSettings
  /** The fence before the origin was contacted; undefined when no store could say: then nothing can be stored. */
  readonly stamp: FenceState | undefined
  readonly candidate: EntryCandidate | undefined
  readonly unkeyed: UnkeyedFields
  readonly conditional: boolean
  /** Why the store is not to have it, unless it has it already. */
  readonly unwanted: Unwanted | undefined
  readonly requestTime: number
  readonly responseTime: number
  readonly head: ResponseHead
}

/** It has not been asked for often enough to be worth storing, or there is no room for it. */
export type Unwanted = 'min-uses' | 'store-full'

export type Assessment =
  | Exclude<Judgement, { action: 'store' | 'pass' }>
  | { readonly action: 'pass'; readonly refusal: StoreRefusal }
  /** Good for all who wait, but no store can take it now, or it is not worth it yet. */
  | {
      readonly action: 'share'
      readonly refusal: 'store-unavailable' | Unwanted
      readonly fields: readonly string[]
      readonly freshUntil: number
      readonly bornAt: number
    }
  | {
      readonly action: 'store'
      /** Where it goes: not where it was looked for, if its No-Vary-Search makes another URL of the request's. */
      readonly address: Identity
      readonly entry: Omit<Entry, 'body'>
      /** What the fields of the entry say; undefined where they are not just those that came. */
      readonly policy: ResponsePolicy | undefined
      /** Until when it may answer others without validation, ms since the epoch; 0: never. */
      readonly freshUntil: number
      /** When its age was 0, ms since the epoch. */
      readonly bornAt: number
    }

/** The step `judge`, with what the engine adds to HTTP's own rules: limits, stamps, tags, and the entry that would be stored. */
export function assess(input: AssessInput): Assessment {
  const { request, rule, head, candidate, responseTime, settings } = input
  const { url } = input.identity
  const policy = policyOf(
    { status: head.status, fields: head.fields, responseTime },
    policyRuleFor(rule, { url, status: head.status }),
  )
  const judgement = judge({
    request: storeRequest(request, input.identity, rule),
    response: settings.http.storeCloseDelimited ? { ...head, delimited: true } : head,
    policy,
    rule: storeRule(rule, settings.http.storePost && isOwnContentLocation(input)),
    candidate,
    conditional: input.conditional,
    now: responseTime,
  })
  if (judgement.action !== 'store') return judgement
  return entryOrRefusal(input, policy)
}

function storeRequest(request: ClientRequest, identity: Identity, rule: Rule): StoreRequest {
  return {
    method: request.method,
    hasAuthorization: request.headers.authorization !== undefined,
    hasUnkeyedCookie: hasUnkeyedCookie(identity, rule) && rule.cookies === 'bypass',
    hasBody: request.body !== undefined,
    noStore:
      rule.requestDirectives === 'honour' &&
      /(^|[,\s])no-store/i.test(String(request.headers['cache-control'] ?? '')),
  }
}

/** What of the rule is asked for; a spread of the whole costs as much as all that is decided by it. */
function storeRule(rule: Rule, postIsReusable: boolean): StoreRule {
  const { bypass, setCookie, acceptsContentType, allowsStatus, isImplicit } = rule
  return { bypass, setCookie, acceptsContentType, allowsStatus, isImplicit, postIsReusable }
}

function entryOrRefusal(input: AssessInput, policy: ResponsePolicy): Assessment {
  const { head, request, identity, rule, settings, stamp, requestTime, responseTime } = input
  const length = contentLength(head)
  if (length !== undefined && length > rule.maxBodyBytes) return { action: 'pass', refusal: 'too-large' }
  const range = head.status === 206 ? storedRange(head) : undefined
  if (head.status === 206 && range === undefined) return { action: 'pass', refusal: 'content-range' }
  if (head.fields.length / 2 > settings.limits.maxFields) return { action: 'pass', refusal: 'limits' }
  const fields = cleanFields(head, policy, rule, responseTime)
  const times = { fields, requestTime, responseTime }
  const age = initialAge(times)
  const uselessAt = usefulUntil(policy, age, responseTime, settings.http.keep)
  const useless = uselessAt <= responseTime || (policy.lifetime === 0 && !settings.http.storeWithoutFreshness)
  if (useless) return { action: 'pass', refusal: 'useless' }
  const { own, dropped } = input.unkeyed
  // By what the origin saw.
  const get = (name: string) => (dropped.has(name) ? null : valueOf(request, name))
  if (own.length > MOST_OWN_FIELDS) return { action: 'pass', refusal: 'limits' }
  const selecting = selectingOf(policy.vary as readonly string[], own, head.fields, get)
  const tags = entryTags(head, request.path, rule, settings)
  // A purge by a tag that was left out would miss the entry.
  if (tags === undefined) return { action: 'pass', refusal: 'limits' }
  const tile = tileOf(identity, rule)
  const variance = rule.noVarySearch ? varianceOf(fields) : undefined
  const { fetched } = identity
  const address = variance === undefined ? fetched : fetched.simplified(variance, true)
  const freshUntil = policy.noCache ? 0 : responseTime + policy.lifetime * 1000 - age
  const bornAt = responseTime - age
  if (stamp === undefined)
    return { action: 'share', refusal: 'store-unavailable', fields, freshUntil, bornAt }
  if (input.unwanted !== undefined && input.candidate === undefined)
    return { action: 'share', refusal: input.unwanted, fields, freshUntil, bornAt }
  return {
    action: 'store',
    freshUntil,
    bornAt,
    address,
    // Nothing was taken away and no Date put in.
    policy: fields.length === head.fields.length ? policy : undefined,
    entry: {
      key: address.key,
      variant: variantId(selecting),
      method: request.method,
      status: head.status,
      reason: interned(head.reason),
      fields,
      requestTime,
      responseTime,
      selecting,
      range,
      url: address.url,
      stamp,
      tags,
      tile: tile === 'none' ? undefined : tile,
      uselessAt,
    },
  }
}

/** What is stored of the fields: end-to-end ones, without what a follower must not get, with a Date (RFC 9110 §6.6.1). */
export function cleanFields(
  head: { readonly fields: readonly string[] },
  policy: ResponsePolicy,
  rule: Rule,
  responseTime: number,
): readonly string[] {
  let fields = storedFields(head.fields, policy.directives)
  if (rule.setCookie === 'strip') fields = withoutFields(fields, SET_COOKIE)
  const dated = hasField(fields, 'date') ? fields : withField(fields, 'Date', formatHttpDate(responseTime))
  // These stay in memory for long.
  return internedFields(dated)
}

/** Who sends more fields of his own than this has his answer to himself. */
const MOST_OWN_FIELDS = 32

const SET_COOKIE = new Set(['set-cookie', 'set-cookie2'])

export function contentLength(head: { readonly fields: readonly string[] }): number | undefined {
  const text = fieldValue(head.fields, 'content-length')
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

function storedRange(head: ResponseHead): StoredRange | undefined {
  const range = parseContentRange(fieldValue(head.fields, 'content-range'))
  return range !== undefined && 'first' in range ? range : undefined
}

/** Request field as one value; null when absent. */
export function valueOf(request: ClientRequest, name: string): string | null {
  const value = request.headers[name]
  return value === undefined ? null : typeof value === 'string' ? value : value.join(', ')
}

/** RFC 9110 §9.3.3: a POST response may be reused for GET when its Content-Location is the target itself. */
function isOwnContentLocation({ head, identity }: AssessInput): boolean {
  const location = fieldValue(head.fields, 'content-location')
  if (location === undefined || !URL.canParse(location, identity.url)) return false
  return new URL(location, identity.url).href === new URL(identity.url).href
}
