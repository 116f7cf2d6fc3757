import type { CacheControl } from '../http/cache-control.js'
import type { ReusePolicy } from '../http/policy.js'
import type { EveryField } from './every-field.js'

/** Heuristic lifetimes differ from response to response: those are not worth remembering for long. */
const MOST = 64

const known = new WeakMap<CacheControl, Map<string, ReusePolicy>>()

/** One object for all equal policies, for entries that stay in memory: of a thousand tiles, most say the same. Directives are equal when they are one object. */
export function sharedPolicy(policy: ReusePolicy): ReusePolicy {
  let equals = known.get(policy.directives)
  if (equals === undefined) known.set(policy.directives, (equals = new Map()))
  const name = nameOf(policy)
  const shared = equals.get(name)
  if (shared !== undefined) return shared
  const alone = withoutValidators(policy)
  if (equals.size >= MOST) equals.clear()
  equals.set(name, alone)
  return alone
}

/** Every member, so that one that was forgotten here does not compile; and none of what is one response's own. */
function withoutValidators(policy: ReusePolicy): ReusePolicy {
  const alone: EveryField<ReusePolicy> = {
    directives: policy.directives,
    targeted: policy.targeted,
    lifetime: policy.lifetime,
    source: policy.source,
    explicit: policy.explicit,
    noStore: policy.noStore,
    isPrivate: policy.isPrivate,
    isPublic: policy.isPublic,
    noCache: policy.noCache,
    mustRevalidate: policy.mustRevalidate,
    staleWhileRevalidate: policy.staleWhileRevalidate,
    staleIfError: policy.staleIfError,
    immutable: policy.immutable,
    vary: policy.vary,
    hasValidator: policy.hasValidator,
  }
  return alone
}

/** Equal for equal policies alone: only what comes last, of the origin's Vary, can hold a space. */
function nameOf(policy: ReusePolicy): string {
  let flags = 0
  for (const flag of [
    policy.explicit,
    policy.noStore,
    policy.isPrivate,
    policy.isPublic,
    policy.noCache,
    policy.mustRevalidate,
    policy.immutable,
    policy.hasValidator,
    policy.vary === '*',
  ])
    flags = flags * 2 + Number(flag)
  const numbers = `${policy.lifetime} ${policy.staleWhileRevalidate} ${policy.staleIfError} ${flags} ${policy.source}`
  return `${numbers} ${policy.targeted ?? ''} ${policy.vary === '*' ? '' : policy.vary.join(',')}`
}
