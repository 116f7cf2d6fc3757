export type LockAnswer =
  /** The caller has it, for `ttlMs`. */
  | { readonly state: 'taken' }
  /** Another has it, for so long if it does not extend it, ms. */
  | { readonly state: 'busy'; readonly remainingMs: number }
  /** Another has given it back since the caller looked into the store: what it brought is there, if it brought anything. */
  | { readonly state: 'over' }
  /** What is fetched under this name is not for sharing: nobody waits for it. */
  | { readonly state: 'uncacheable' }

/**
 * Who fetches for a key, among the nodes that share a store (P6). It saves requests to the origin and nothing else: that what is
 * stored is right rests on the commit's check alone, so a lock that lapses too early or is lost does no harm.
 *
 * A name is a SHA-256, base64url, 43 characters. A token is the holder's own, `[A-Za-z0-9_-]{1,64}`. Calls reject with
 * STRATA_STORE_UNAVAILABLE or STRATA_STORE_TIMEOUT; a call that timed out may land late, and lapses then by itself.
 */
export interface FillLocks {
  /**
   * Takes the lock if nobody has it; one round trip.
   * @param sinceMs how long ago the caller began to look into the store: what is over since is `over`.
   */
  tryLock(name: string, token: string, ttlMs: number, sinceMs: number): Promise<LockAnswer>
  /** Holds the lock for `ttlMs` from now. False when it is not the token's any more. */
  extend(name: string, token: string, ttlMs: number): Promise<boolean>
  /**
   * Gives the lock back, when it is still the token's, and tells those who wait.
   * @param uncacheableMs when given, the name is `uncacheable` for so long (the newest 10,000 names; those that end first are forgotten first).
   */
  unlock(name: string, token: string, uncacheableMs?: number): Promise<void>
  /** Resolves when the lock may have been given back, or after `ms`. Hints may get lost. */
  wait(name: string, ms: number): Promise<void>
}
