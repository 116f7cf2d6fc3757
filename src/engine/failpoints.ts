import type { Lease } from './lease.js'
import type { BodySink, BodyStore, Entry, FenceState, Lookup, MetadataStore } from './ports/index.js'

/**
 * Where the tests of test/fault stop or kill a process: between the engine and its stores, so that the engine itself has no check for
 * them. `compose/engine.ts` loads this module only with NODE_ENV=test and STRATA_TEST_FAILPOINTS, and then wraps the stores in it.
 * The process that started this one gives the orders, over Node's IPC channel.
 */
export const FAILPOINTS = [
  'before-reserve',
  'after-reserve',
  'mid-body',
  'before-commit',
  'commit-sent',
  'after-commit',
  'lookup-reply',
  'body-reply',
  'marks-reply',
  'before-remove',
] as const
export type Failpoint = (typeof FAILPOINTS)[number]

/** What shall happen to those who come by. */
export interface FailpointOrder {
  readonly id: number
  readonly point: Failpoint
  /** Only to those about this URL (its end), key or body. */
  readonly about?: string
  /** `hold`: until its `release`; `kill`: the process, by SIGKILL. */
  readonly action: 'hold' | 'delay' | 'kill'
  /** For `delay`. */
  readonly ms?: number
  /** How many (1). */
  readonly times?: number
}

export type FailpointMessage =
  | { readonly failpoint: FailpointOrder }
  /** Takes an order back, and lets those go whom it holds. */
  | { readonly release: number }

/** What is taken out, to see whether the tests notice. `on`: nothing. */
export const SABOTAGES = ['on', 'without-commit-check', 'without-read-check', 'without-lease'] as const
export type Sabotage = (typeof SABOTAGES)[number]

interface Standing {
  readonly order: FailpointOrder
  left: number
}

class Failpoints {
  #standing: Standing[] = []
  readonly #held = new Map<number, (() => void)[]>()

  constructor() {
    process.on('message', (message: FailpointMessage) => {
      if ('failpoint' in message) {
        this.#standing.push({ order: message.failpoint, left: message.failpoint.times ?? 1 })
      } else {
        this.#standing = this.#standing.filter(({ order }) => order.id !== message.release)
        for (const go of this.#held.get(message.release) ?? []) go()
        this.#held.delete(message.release)
      }
    })
    // The tests end one day: this channel alone keeps no process alive.
    process.channel?.unref()
  }

  /** Undefined, at once, when there is no order for it. */
  pass(point: Failpoint, about: string): Promise<void> | undefined {
    const standing = this.#standing.find(
      ({ order }) => order.point === point && (order.about === undefined || about.endsWith(order.about)),
    )
    if (standing === undefined) return undefined
    const { order } = standing
    if (--standing.left <= 0) this.#standing = this.#standing.filter(one => one !== standing)
    if (order.action === 'kill') process.kill(process.pid, 'SIGKILL')
    process.send?.({ reached: order.id })
    if (order.action === 'delay') return new Promise(resolve => setTimeout(resolve, order.ms ?? 0))
    return new Promise(resolve => {
      const held = this.#held.get(order.id)
      if (held === undefined) this.#held.set(order.id, [resolve])
      else held.push(resolve)
    })
  }
}

/**
 * The stores with failpoints, and, for the tests of the tests, with a part of P1 taken out.
 * @throws Error for an unknown sabotage
 */
export function withFailpoints<S extends { readonly metadata: MetadataStore; readonly bodies: BodyStore }>(
  stores: S,
  sabotage: string,
): S {
  if (!(SABOTAGES as readonly string[]).includes(sabotage)) {
    throw new Error(`STRATA_TEST_FAILPOINTS is one of ${SABOTAGES.join(', ')}`)
  }
  const points = new Failpoints()
  const metadata = sabotaged(stores.metadata, sabotage as Sabotage)
  return {
    ...stores,
    metadata: overlaid(metadata, metadataPoints(metadata, points)),
    bodies: overlaid(stores.bodies, bodyPoints(stores.bodies, points)),
  }
}

/** `without-lease`: memory answers for ever on what it once knew. */
export function sabotageLease(lease: Lease, sabotage: string): void {
  if (sabotage === 'without-lease') lease.holds = () => true
}

function metadataPoints(store: MetadataStore, points: Failpoints): Partial<MetadataStore> {
  return {
    lookup: key => after(store.lookup(key), () => points.pass('lookup-reply', key)),
    marksAfter: async (seq, limit) => {
      const page = await store.marksAfter(seq, limit)
      await points.pass('marks-reply', '')
      return page
    },
    reserveBody: async (id, until) => {
      await points.pass('before-reserve', id)
      const standing = await store.reserveBody(id, until)
      await points.pass('after-reserve', id)
      return standing
    },
    commit: async (entry, options) => {
      await points.pass('before-commit', entry.url)
      const result = store.commit(entry, options)
      await points.pass('commit-sent', entry.url)
      await result
      await points.pass('after-commit', entry.url)
      return result
    },
    remove: async handles => {
      await points.pass('before-remove', '')
      return store.remove(handles)
    },
  }
}

function bodyPoints(store: BodyStore, points: Failpoints): Partial<BodyStore> {
  return {
    put: async (id, bytes, note) => {
      await points.pass('mid-body', id)
      return store.put(id, bytes, note)
    },
    get: async id => {
      const bytes = await store.get(id)
      await points.pass('body-reply', id)
      return bytes
    },
    sink: (id, note) => {
      const sink = store.sink(id, note)
      let begun = false
      const write: BodySink['write'] = chunk => {
        const waits = begun ? points.pass('mid-body', id) : undefined
        begun = true
        return waits === undefined ? sink.write(chunk) : waits.then(() => sink.write(chunk))
      }
      return { write, finish: () => sink.finish(), abort: () => sink.abort() }
    },
  }
}

function sabotaged(store: MetadataStore, sabotage: Sabotage): MetadataStore {
  if (sabotage === 'without-commit-check') {
    // What the store refuses for an invalidation's sake is stored as if fetched now.
    const commit: MetadataStore['commit'] = async (entry, options) => {
      const result = await store.commit(entry, options)
      if (result.ok || (result.reason !== 'fence' && result.reason !== 'expired-stamp')) return result
      const { fence } = result.reason === 'fence' ? result : await store.marksAfter(entry.stamp.seq, 0)
      return store.commit({ ...entry, stamp: fence }, { ...options, checked: fence })
    }
    return overlaid(store, { commit })
  }
  if (sabotage === 'without-read-check') {
    const asIfNew = ({ entries, fence }: Lookup): Lookup => ({
      entries: entries.map(entry => restamped(entry, fence)),
      fence,
    })
    const lookup: MetadataStore['lookup'] = key => {
      const found = store.lookup(key)
      return found instanceof Promise ? found.then(asIfNew) : asIfNew(found)
    }
    return overlaid(store, { lookup })
  }
  return store
}

function restamped(entry: Entry, stamp: FenceState): Entry {
  return { ...entry, stamp }
}

/** The store with some methods in place of its own; whatever else it has stays, private fields too. */
function overlaid<T extends object>(store: T, methods: Partial<T>): T {
  return new Proxy(store, {
    get(target, name) {
      const own = methods[name as keyof T] ?? target[name as keyof T]
      return typeof own === 'function' ? (own as CallableFunction).bind(target) : own
    },
  })
}

function after<T>(value: T | Promise<T>, pass: () => Promise<void> | undefined): T | Promise<T> {
  if (!(value instanceof Promise)) {
    const waits = pass()
    return waits === undefined ? value : waits.then(() => value)
  }
  return value.then(async found => {
    await pass()
    return found
  })
}
