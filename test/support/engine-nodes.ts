import { Pieces } from '../../src/engine/body/pieces.js'
import { RecentUses } from '../../src/engine/recent-uses.js'
import { isInline } from '../../src/engine/ports/body-names.js'
import { AnswerFields } from '../../src/engine/answer-fields.js'
import { newOutcome, type ClientRequest, type Outcome, type Responder } from '../../src/engine/exchange.js'
import { Fence } from '../../src/engine/fence/fence.js'
import { Journey } from '../../src/engine/journey.js'
import { LearntVariances } from '../../src/engine/learnt-variances.js'
import { Lease } from '../../src/engine/lease.js'
import { MemoryTier } from '../../src/engine/memory-tier.js'
import type { Origin, OriginRequest, ResponseHead } from '../../src/engine/origin.js'
import { OwedInvalidations } from '../../src/engine/owed-invalidations.js'
import type { Parts } from '../../src/engine/parts.js'
import { PendingBytes } from '../../src/engine/pending.js'
import type { BodyStore, MetadataStore } from '../../src/engine/ports/index.js'
import type { EngineSettings } from '../../src/engine/settings.js'
import { Stats } from '../../src/engine/stats.js'
import { StoreRoom } from '../../src/engine/store-room.js'
import { AccessLog } from '../../src/engine/sweep/access-log.js'
import { ManualTime } from './manual-timers.js'

/** What a client of a node was given. */
export interface Given {
  readonly status: number
  readonly body: string
  readonly outcome: Outcome
}

/** One of several nodes (processes) on the same stores: a journey with a memory tier and a mirror of its own. Nothing waits for time. */
export async function engineNode(
  stores: { readonly metadata: MetadataStore; readonly bodies: BodyStore },
  settings: EngineSettings,
): Promise<{ parts: Parts; journey: Journey; get(request: ClientRequest, origin: Origin): Promise<Given> }> {
  const time = new ManualTime()
  const events = { warn: () => {} }
  const memory = new MemoryTier(settings.memory, settings.limits.maxVariants)
  const fence = new Fence(stores.metadata, {
    maxMarks: settings.limits.maxMarks,
    onReset: () => memory.clear(),
    onMarks: () => {},
  })
  await fence.load()
  const parts: Parts = {
    ...stores,
    settings,
    clock: time,
    fence,
    memory,
    pieces: new Pieces(0),
    smallBodies: {
      get: id => (isInline(id) ? stores.metadata.inlineBody(id) : stores.bodies.get(id)),
    },
    uses: new RecentUses(settings.limits.minUses),
    room: new StoreRoom({
      metadata: stores.metadata,
      limits: settings.limits,
      clock: time,
      onOver: () => {},
      events,
    }),
    lease: new Lease({ ...stores, fence, clock: time, timers: time, ...settings.tiers }),
    variances: new LearntVariances(),
    answers: new AnswerFields(settings.http),
    owed: new OwedInvalidations(fence, time, events),
    pending: new PendingBytes(settings.limits.maxPendingBytes),
    stats: new Stats(time.now()),
    accessLog: new AccessLog(stores.metadata, { timers: time, onError: () => {} }),
    events,
  }
  const journey = new Journey(parts)
  const get = (request: ClientRequest, origin: Origin): Promise<Given> =>
    new Promise(resolve => {
      const outcome = newOutcome()
      journey.run({ request, origin, outcome, responder: collector(outcome, resolve) })
    })
  return { parts, journey, get }
}

function collector(outcome: Outcome, resolve: (given: Given) => void): Responder {
  let status = 0
  let body = ''
  const done = () => resolve({ status, body, outcome })
  return {
    headSent: false,
    releasesOnDrain: false,
    closed: false,
    head(code) {
      status = code
      Object.assign(this, { headSent: true })
    },
    write(chunk) {
      body += chunk.toString()
      return true
    },
    end(chunk) {
      body += chunk?.toString() ?? ''
      done()
    },
    fail(error) {
      body = error.code
      done()
    },
    interim() {},
    onDrain() {},
    onClose() {},
  }
}

/** An origin that answers each request at once, or when `until` is over. */
export function promptOrigin(
  answer: (request: OriginRequest) => {
    fields: readonly string[]
    body: string
    status?: number
    until?: Promise<void>
  },
): Origin & { readonly targets: string[] } {
  const targets: string[] = []
  return {
    targets,
    fetch(request, sink) {
      targets.push(request.target)
      const { fields, body, status = 200, until = Promise.resolve() } = answer(request)
      let aborted = false
      const head: ResponseHead = { status, reason: 'OK', fields, delimited: true }
      void until.then(() => {
        if (aborted) return
        sink.onHead(head, { pause() {}, resume() {} })
        sink.onData(Buffer.from(body))
        sink.onEnd()
      })
      return {
        abort() {
          aborted = true
        },
      }
    },
  }
}
