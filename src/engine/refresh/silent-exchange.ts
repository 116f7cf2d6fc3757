import type { Clock } from '../clock.js'
import { newOutcome, type ClientRequest, type Exchange, type Responder } from '../exchange.js'
import type { Origin, OriginCall, OriginRequest, OriginSink } from '../origin.js'

/** What became of a request that was made for the cache's own sake. */
export interface Told {
  /** The origin's head came after so many ms, with this status. */
  onHead(status: number, ms: number): void
  onFailure(): void
}

/** Nobody is at its other end: it takes all and keeps nothing. */
class SilentResponder implements Responder {
  headSent = false
  closed = false
  readonly releasesOnDrain = false
  #onClose: (() => void)[] = []

  head(): void {
    this.headSent = true
  }
  write(): boolean {
    return true
  }
  end(): void {
    this.headSent = true
    this.#close()
  }
  fail(): void {
    this.#close()
  }
  interim(): void {}
  onDrain(): void {}
  onClose(listener: () => void): void {
    this.#onClose.push(listener)
  }

  #close(): void {
    if (this.closed) return
    this.closed = true
    for (const listener of this.#onClose) listener()
  }
}

/** The origin, watched: how long it takes, whether it fails, and when what was asked of it is over. */
class WatchedOrigin implements Origin {
  running = 0
  asked = false
  onIdle = () => {}

  constructor(
    private readonly origin: Origin,
    private readonly told: Told,
    private readonly clock: Clock,
  ) {}

  fetch(request: OriginRequest, sink: OriginSink): OriginCall {
    const started = this.clock.monotonic()
    this.running++
    this.asked = true
    let open = true
    const over = () => {
      if (open) this.running--
      open = false
      if (this.running === 0) this.onIdle()
    }
    const call = this.origin.fetch(request, {
      onInterim: (status, fields) => sink.onInterim(status, fields),
      onHead: (head, flow) => {
        this.told.onHead(head.status, this.clock.monotonic() - started)
        sink.onHead(head, flow)
      },
      onData: chunk => sink.onData(chunk),
      onEnd: () => {
        sink.onEnd()
        over()
      },
      onFailure: error => {
        this.told.onFailure()
        sink.onFailure(error)
        over()
      },
    })
    return {
      abort: () => {
        call.abort()
        over()
      },
      deserted: () => call.deserted?.(),
    }
  }
}

/**
 * An exchange without a client. `over` resolves when it has been answered and the origin, if it was asked, has said all it had to say:
 * that may be after the answer, for a stale one is given at once. `asked`: the origin was.
 */
export function silentExchange(
  request: ClientRequest,
  origin: Origin,
  told: Told,
  clock: Clock,
): { readonly exchange: Exchange; readonly over: Promise<{ readonly asked: boolean }> } {
  const responder = new SilentResponder()
  const watched = new WatchedOrigin(origin, told, clock)
  const over = new Promise<{ asked: boolean }>(resolve => {
    const look = () => {
      if (responder.closed && watched.running === 0) resolve({ asked: watched.asked })
    }
    // What follows a stale answer begins right after it.
    responder.onClose(() => void setImmediate(look))
    watched.onIdle = look
  })
  const exchange = {
    request,
    responder,
    origin: watched,
    outcome: newOutcome(),
    startedAt: clock.monotonic(),
  }
  return { exchange, over }
}
