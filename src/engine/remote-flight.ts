import { hash, randomUUID } from 'node:crypto'
import type { Clock } from './clock.js'
import type { Flight } from './flight.js'
import type { FillLocks, LockAnswer } from './ports/index.js'
import type { LimitSettings } from './settings.js'
import { systemTimers, type Timers } from './timers.js'
import type { Trip } from './trip.js'

export interface RemoteFlightPlan {
  readonly locks: FillLocks
  readonly clock: Clock
  readonly timers?: Timers
  readonly flight: Flight
  /** What tells flights apart (`flightName`). */
  readonly name: string
  readonly trip: Pick<Trip, 'lookedUpAt'>
  readonly settings: { readonly limits: Pick<LimitSettings, 'remoteWaitMs'> }
  /** No client waits: when another node is at it, nothing is left to do. */
  readonly background: boolean
  /** Asks the origin. */
  readonly start: () => void
  /** Another node found out that what comes is not for sharing. */
  readonly onUncacheable: () => void
}

/** How long a lock outlives its holder, ms; and how often a holder that lives extends it. */
const LOCK_MS = 2_000
const EXTEND_MS = 500

// Hints wake those who wait; should one get lost, they look by themselves, less and less often.
const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 500

/**
 * One flight of this node among those of all nodes (P6): before it asks the origin it takes the key's lock, or waits for what the
 * holder stores. A holder that dies lets the lock lapse, and who waits takes over. All of this is for the origin's sake only: with no
 * lock to be had, or after `limits.remoteWaitMs`, the flight goes on alone, and what may be stored is for the commit to say (P1, P5).
 */
export class RemoteFlight {
  readonly #lock: string
  readonly #token = randomUUID()
  #held = false
  #stopExtending: (() => void) | undefined

  constructor(private readonly plan: RemoteFlightPlan) {
    this.#lock = hash('sha256', plan.name, 'base64url')
  }

  /** Ends with the origin asked, or with the flight disbanded: those who waited look into the store again. Never rejects. */
  async begin(): Promise<void> {
    const { plan } = this
    const deadline = plan.clock.monotonic() + plan.settings.limits.remoteWaitMs
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const answer = await this.#try()
      if (!plan.background && plan.flight.deserted) return this.#disband()
      switch (answer.state) {
        case 'taken':
          return plan.start()
        case 'over':
          return this.#disband()
        case 'uncacheable':
          plan.onUncacheable()
          return this.#disband()
        case 'busy':
          if (plan.background) return this.#disband()
      }
      const left = deadline - plan.clock.monotonic()
      if (left <= 0) return plan.start()
      await plan.locks.wait(this.#lock, Math.min(pause, answer.remainingMs + 1, left))
    }
  }

  async #try(): Promise<LockAnswer> {
    const { locks, clock, trip } = this.plan
    let answer: LockAnswer
    try {
      answer = await locks.tryLock(this.#lock, this.#token, LOCK_MS, clock.monotonic() - trip.lookedUpAt)
    } catch {
      // P5: on without it. It may have been taken all the same, so it is held and given back as if it had been.
      answer = { state: 'taken' }
    }
    if (answer.state === 'taken') this.#hold()
    return answer
  }

  #hold(): void {
    this.#held = true
    const { locks, flight, timers = systemTimers } = this.plan
    const again = () => {
      this.#stopExtending = timers.after(EXTEND_MS, () => {
        if (!this.#held) return
        // Should it lapse, another node asks the origin too; that is all.
        locks.extend(this.#lock, this.#token, LOCK_MS).catch(() => undefined)
        again()
      })
    }
    again()
    flight.whenSettled(() => this.release())
  }

  /**
   * Nobody need wait for it any more. Is called when the flight is over; earlier when it turns out that others can't use what comes.
   * @param uncacheableMs for so long nobody need wait for this key at all.
   */
  release(uncacheableMs?: number): void {
    if (!this.#held) return
    this.#held = false
    this.#stopExtending?.()
    // Where this does not arrive, the lock lapses by itself.
    this.plan.locks.unlock(this.#lock, this.#token, uncacheableMs).catch(() => undefined)
  }

  #disband(): void {
    this.plan.flight.disband()
  }
}
