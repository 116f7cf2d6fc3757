import { messageOf } from '../../errors.js'
import type { Clock } from '../clock.js'
import type { Timers } from '../timers.js'

export interface TierHealth {
  readonly name: string
  readonly ok: boolean
  /** Until it answered or failed, ms. */
  readonly latencyMs: number
  /** Why it is not ok. */
  readonly reason?: string
}

/** Asks a store for a sign of life; a store that hangs is not ok after `maxMs`. */
export async function tierHealth(
  store: { readonly name: string; ping(): Promise<void> },
  { clock, timers }: { readonly clock: Clock; readonly timers: Timers },
  maxMs: number,
): Promise<TierHealth> {
  const { name } = store
  const started = clock.monotonic()
  const latency = () => Math.round((clock.monotonic() - started) * 100) / 100
  try {
    await within(store.ping(), timers, maxMs)
    return { name, ok: true, latencyMs: latency() }
  } catch (error) {
    return { name, ok: false, latencyMs: latency(), reason: messageOf(error) }
  }
}

/** The promise's value, or a rejection after `maxMs`. */
export function within<T>(promise: Promise<T>, timers: Timers, maxMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(maxMs, () => reject(new Error(`no answer within ${maxMs} ms`)))
    promise.then(resolve, reject).finally(cancel)
  })
}
