import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { splitEvents } from './split-events.js'
import { TwoViews } from './two-views.js'

const SPLIT = new Set(['aborted', 'close', 'error'])

/**
 * The request as handlers see it while others may wait for their answer: that its client has left is kept from them until nobody
 * waits (a proxy in the handlers would break its own request off).
 */
export class CapturedRequest {
  readonly #events: EventEmitter
  #error: unknown
  #aborted = false
  #closed = false

  constructor(
    req: IncomingMessage,
    socket: Socket,
    private readonly isOpen: () => boolean,
  ) {
    const views = new TwoViews(req)
    const native = req.on.bind(req)
    this.#events = splitEvents(req, views, SPLIT)
    views.property<boolean>('aborted', aborted => (isOpen() ? false : aborted))
    views.property<boolean>('destroyed', destroyed => (this.#hides() ? false : destroyed))
    views.property<Socket>('socket', () => socket)
    native('aborted', () => {
      this.#aborted = true
      if (!isOpen()) this.#events.emit('aborted')
    })
    native('error', error => {
      this.#error = error
      if (!isOpen()) this.#fail()
    })
    native('close', () => {
      this.#closed = true
      // A request that came to its end is closed without its client having left.
      if (!this.#hides()) this.#events.emit('close')
    })
  }

  /** Nobody waits for the answer any more: what was held back. */
  tell(): void {
    if (!this.#aborted) return
    this.#events.emit('aborted')
    if (this.#error !== undefined) this.#fail()
    if (this.#closed) this.#events.emit('close')
  }

  #hides(): boolean {
    return this.#aborted && this.isOpen()
  }

  #fail(): void {
    // As node: only those who listen are told.
    if (this.#events.listenerCount('error') > 0) this.#events.emit('error', this.#error)
  }
}
