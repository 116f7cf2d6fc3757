import { LRUCache } from 'lru-cache'
import type { Clock } from './clock.js'
import type { ClientRequest } from './exchange.js'
import type { Flight } from './flight.js'
import type { Lead } from './lead.js'
import type { FenceState } from './ports/index.js'
import type { RemoteFlight } from './remote-flight.js'
import { SlotMap, Slots } from './slots.js'
import type { UnkeyedFields } from './unkeyed-fields.js'

export interface Running {
  readonly flight: Flight
  readonly lead: Lead
  readonly leader: ClientRequest
  /** What the origin was asked for. */
  readonly url: string
  /** What of the leader's fields the origin saw. */
  readonly unkeyed: UnkeyedFields
  /** The fence before the origin was asked; undefined while the store could not say. */
  stamp: FenceState | undefined
  /** When the origin was asked, monotonic ms; not yet: Infinity. */
  startedAt: number
  /** Its part in what all nodes fetch; undefined when it is this node's affair alone. */
  remote?: RemoteFlight
}

const REMEMBERED_ENDS = 10_000

/** The flights of this process that are not over: which others may join, which fetch for a key, and when the last of a key was over. */
export class RunningFlights {
  /** Those that others may join. */
  readonly #byName = new SlotMap<Running>()
  /** All that bring what others of the key will find. */
  readonly #byKey = new SlotMap<Running[]>()
  /** When a flight of a key was last over, monotonic ms; for those whose lookup overlapped with it. */
  readonly #settledAt = new LRUCache<string, number>({ max: REMEMBERED_ENDS })
  readonly #unsettled = new Slots<Flight>()

  constructor(private readonly clock: Clock) {}

  /** Of those that others may join. */
  get size(): number {
    return this.#byName.size
  }

  /** The one that others of this name may join, if nothing else stands against it. */
  named(name: string): Running | undefined {
    return this.#byName.get(name)
  }

  ofKey(text: string): readonly Running[] {
    return this.#byKey.get(text) ?? NONE
  }

  /** Monotonic ms; -1 when none was, or it is too long ago. */
  settledAt(text: string): number {
    return this.#settledAt.get(text) ?? -1
  }

  /** Until it is over. `name`: undefined when nobody may join it. */
  add(running: Running, name: string | undefined, text: string): void {
    const slot = this.#unsettled.put(running.flight)
    if (name !== undefined) this.#byName.set(name, running)
    running.flight.whenSettled(() => {
      this.#unsettled.take(slot)
      this.#forget(running, name, text)
    })
  }

  /** What it brings will be found under this key. */
  remember(running: Running, text: string): void {
    const same = this.#byKey.get(text)
    if (same === undefined) this.#byKey.set(text, [running])
    else if (!same.includes(running)) same.push(running)
  }

  /** It brings what others look for elsewhere: they find it there. */
  listAlso(running: Running, name: string | undefined, text: string): void {
    if (name !== undefined && !this.#byName.has(name)) this.#byName.set(name, running)
    this.remember(running, text)
    running.flight.whenSettled(() => this.#forget(running, name, text))
  }

  /** Nobody joins it from now on. */
  close(name: string, running: Running): void {
    if (this.#byName.get(name) === running) this.#byName.delete(name)
  }

  /** Resolves once all that run now are over, and what they brought is stored. */
  async settled(): Promise<void> {
    await Promise.all(this.#unsettled.values().map(settlement))
  }

  /** The same for those of one key. */
  async settledFor(text: string): Promise<void> {
    await Promise.all(this.ofKey(text).map(({ flight }) => settlement(flight)))
  }

  #forget(running: Running, name: string | undefined, text: string): void {
    if (name !== undefined) this.close(name, running)
    this.#settledAt.set(text, this.clock.monotonic())
    const same = this.#byKey.get(text)
    const at = same?.indexOf(running) ?? -1
    if (same === undefined || at === -1) return
    if (same.length === 1) this.#byKey.delete(text)
    else same.splice(at, 1)
  }
}

const NONE: readonly Running[] = []

function settlement(flight: Flight): Promise<void> {
  return new Promise(done => flight.whenSettled(done))
}
