import type { StrataError } from '../errors.js'
import type { FlowControl, Origin, OriginCall, OriginRequest, OriginSink, ResponseHead } from './origin.js'
import { END, tell, type OriginEvent } from './origin-event.js'
import type { RawFields } from './ports/index.js'

/** Who takes what the origin answers. */
export interface OriginTaker extends OriginSink {
  /** A step of it threw. */
  onBroken(error: unknown): void
  /** What was held back has been told: takes more, if it can. */
  resume(): void
}

/**
 * The requests that one flight makes of its origin, one after the other: the answer to the latest is the one that counts. While a step
 * waits for a store, what comes is held back and follows it in order (a handler does not wait for us).
 */
export class OriginTurns {
  #call: OriginCall | undefined
  /** Undefined once nothing more of it counts. */
  #turn: Turn | undefined
  #flow: FlowControl | undefined
  /** What came meanwhile, of the turn that it came of: the step may ask anew. */
  #held: { readonly turn: Turn; readonly event: OriginEvent }[] | undefined

  constructor(
    private readonly origin: Origin,
    private readonly taker: OriginTaker,
  ) {}

  /** Asks the origin (again): what is still to come of an answer before does not count any more. */
  begin(request: OriginRequest): void {
    this.#flow = undefined
    this.#turn = new Turn(this)
    this.#call = this.origin.fetch(request, this.#turn)
  }

  /** Runs a step that waits; what the origin sends meanwhile is held back, and follows it. */
  hold(step: () => Promise<void>): void {
    this.pause()
    const held: { turn: Turn; event: OriginEvent }[] = []
    this.#held = held
    step()
      .then(() => {
        this.#held = undefined
        for (const { turn, event } of held) this.take(turn, event)
        this.taker.resume()
      })
      .catch((error: unknown) => this.taker.onBroken(error))
  }

  pause(): void {
    this.#flow?.pause()
  }

  resume(): void {
    this.#flow?.resume()
  }

  /** What is still to come of this answer is nothing (a 304), or not wanted. */
  ignoreRest(): void {
    this.#turn = undefined
  }

  /** The answer has come, or never will: nothing is held of it. */
  end(): void {
    this.#turn = undefined
    this.#call = undefined
    this.#flow = undefined
  }

  drop(): void {
    this.ignoreRest()
    this.#call?.abort()
  }

  /** See `OriginCall.deserted`. */
  deserted(): void {
    this.#call?.deserted?.()
  }

  /** For the turns. */
  take(turn: Turn, event: OriginEvent, flow?: FlowControl): void {
    if (turn !== this.#turn) return
    if (flow !== undefined) this.#flow = flow
    if (this.#held !== undefined) return void this.#held.push({ turn, event })
    try {
      // Nothing but a head is told with it, and with a head it came.
      tell(this.taker, event, this.#flow!)
    } catch (error) {
      this.taker.onBroken(error)
    }
  }
}

/** Takes the answer to one request, for as long as it is the one that counts. */
class Turn implements OriginSink {
  constructor(private readonly turns: OriginTurns) {}

  onInterim(status: number, fields: RawFields): void {
    this.turns.take(this, { status, fields })
  }

  onHead(head: ResponseHead, flow: FlowControl): void {
    this.turns.take(this, head, flow)
  }

  onData(chunk: Buffer): void {
    this.turns.take(this, chunk)
  }

  onEnd(): void {
    this.turns.take(this, END)
  }

  onFailure(error: StrataError): void {
    this.turns.take(this, error)
  }
}
