import type { Readable } from 'node:stream'
import type { BodyNotes, BodySink, BodyStore, MetadataStore } from '../engine/ports/index.js'
import { TierGuard, type GuardSettings, type TierHealth } from './tier-guard.js'

export type { TierHealth } from './tier-guard.js'

export interface Guarded {
  health(): TierHealth
}

/** Bounds for what no client waits for, ms. */
export interface SlowBounds {
  /** Invalidations, sweeps and lists (5,000; never less than the tier's timeout). */
  readonly backgroundMs?: number
  /** One write, or the finish, of an upload (30,000). */
  readonly uploadMs?: number
}

/**
 * The same store, with every call bounded and a circuit breaker round it (P5).
 * @param onChange is told of each change of the tier's state.
 */
export function guardMetadata(
  store: MetadataStore,
  settings: GuardSettings,
  onChange: (health: TierHealth) => void = () => undefined,
  { backgroundMs = 5_000 }: SlowBounds = {},
): MetadataStore & Guarded {
  const guard = new TierGuard(store.name, settings, onChange)
  const fast = settings.timeoutMs
  const slow = Math.max(backgroundMs, fast)
  return {
    name: store.name,
    health: () => guard.health(),

    lookup: key => guard.run(() => store.lookup(key), fast),
    marksAfter: (seq, limit) => guard.wait(() => store.marksAfter(seq, limit), fast),
    // No client waits for a fill: its steps may take longer.
    reserveBody: (id, until) => guard.wait(() => store.reserveBody(id, until), slow),
    // A commit that is given up here may land all the same: it is fenced, so that does no harm.
    commit: (entry, options) => guard.wait(() => store.commit(entry, options), slow),
    inlineBody: id => guard.run(() => store.inlineBody(id), fast),
    use: (key, variant) => guard.wait(() => store.use(key, variant), fast),
    markCount: () => guard.wait(() => store.markCount(), fast),

    // These say "done" only when the store did; refused, late or unknown is an error (P1).
    invalidate: marks => guard.wait(() => store.invalidate(marks), slow),
    retireMarks: (upTo, fold) => guard.wait(() => store.retireMarks(upTo, fold), slow),

    remove: handles => guard.wait(() => store.remove(handles), slow),
    list: (limit, cursor) => guard.wait(() => store.list(limit, cursor), slow),
    touch: uses => guard.wait(() => store.touch(uses), slow),
    usage: () => guard.wait(() => store.usage(), slow),
    leastRecent: limit => guard.wait(() => store.leastRecent(limit), slow),
    useless: (now, limit) => guard.wait(() => store.useless(now, limit), slow),
    releaseBody: id => guard.wait(() => store.releaseBody(id), slow),
    orphans: (now, limit) => guard.wait(() => store.orphans(now, limit), slow),
    forget: ids => guard.wait(() => store.forget(ids), slow),
    unknownBodies: ids => guard.wait(() => store.unknownBodies(ids), slow),
    ping: () => guard.wait(() => store.ping(), slow),
    close: () => store.close(),
  }
}

/** The same store, with every call bounded and a circuit breaker round it; see `guardMetadata`. */
export function guardBodies(
  store: BodyStore,
  settings: GuardSettings,
  onChange: (health: TierHealth) => void = () => undefined,
  { backgroundMs = 5_000, uploadMs = 30_000 }: SlowBounds = {},
): BodyStore & Guarded {
  const guard = new TierGuard(store.name, settings, onChange)
  const fast = settings.timeoutMs
  const slow = Math.max(backgroundMs, fast)
  const upload = Math.max(uploadMs, fast)
  return {
    name: store.name,
    health: () => guard.health(),

    get: id => guard.wait(() => store.get(id), fast),
    read: (id, range, memory) => guardedRead(() => store.read(id, range, memory), guard, fast),
    put: (id, bytes, note) => guard.wait(() => store.put(id, bytes, note), upload),
    sink: (id, note) => guardedSink(store.sink(id, note), guard, upload),
    ...(store.notes === undefined ? {} : { notes: guardedNotes(store.notes, guard, slow) }),

    remove: ids => guard.wait(() => store.remove(ids), slow),
    list: (limit, cursor) => guard.wait(() => store.list(limit, cursor), slow),
    ping: () => guard.wait(() => store.ping(), slow),
    close: () => store.close(),
  }
}

function guardedNotes(notes: BodyNotes, guard: TierGuard, boundMs: number): BodyNotes {
  return {
    read: id => guard.wait(() => notes.read(id), boundMs),
    horizon: () => guard.wait(() => notes.horizon(), boundMs),
    raiseHorizon: to => guard.wait(() => notes.raiseHorizon(to), boundMs),
  }
}

function guardedSink(sink: BodySink, guard: TierGuard, boundMs: number): BodySink {
  return {
    write: chunk => guard.run<void>(() => sink.write(chunk), boundMs) as Promise<void> | undefined,
    finish: () => guard.wait(() => sink.finish(), boundMs),
    abort: () => sink.abort(),
  }
}

async function guardedRead(
  read: () => Promise<Readable>,
  guard: TierGuard,
  boundMs: number,
): Promise<Readable> {
  let given = true
  const open = async () => {
    const stream = await read()
    // What breaks the stream later counts against the tier as well.
    stream.on('error', error => guard.failed(error))
    // A stream that comes after its reader has given up must not hold a connection.
    if (!given) stream.destroy()
    return stream
  }
  try {
    return await guard.wait(open, boundMs)
  } catch (error) {
    given = false
    throw error
  }
}
