import { hasValidator, type ReusePolicy } from './policy.js'

/**
 * Until when (ms since the epoch) a stored response can be of use: fresh, then stale within its windows, then, with a validator,
 * `keep` seconds more for revalidation.
 */
export function usefulUntil(
  policy: ReusePolicy,
  initialAgeMs: number,
  responseTime: number,
  keep: number,
): number {
  const freshUntil = responseTime + policy.lifetime * 1000 - initialAgeMs
  const staleSeconds = Math.max(
    policy.staleWhileRevalidate,
    policy.staleIfError,
    hasValidator(policy) ? keep : 0,
  )
  return Math.max(responseTime, Math.round(freshUntil)) + staleSeconds * 1000
}
