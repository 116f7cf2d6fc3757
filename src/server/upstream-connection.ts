import type { Socket } from 'node:net'
import { Client, errors, type buildConnector, type Dispatcher } from 'undici'

/** A dispatch handler that is told which connection its answer comes on. */
export interface OnConnection {
  connection: UpstreamConnection | undefined
}

/** The one connection that a client of the pool has at a time. */
export class UpstreamConnection {
  #socket: Socket | undefined
  #isOver = false
  #hasMore = false

  opened(socket: Socket): void {
    this.#socket = socket
    this.#isOver = false
    this.#hasMore = false
    // Of a connection that is to be closed, undici puts back what it has not read, and forgets it.
    const unshift = socket.unshift.bind(socket)
    socket.unshift = (chunk: Uint8Array, ...rest: []) => {
      if (this.#isOver && chunk.length > 0) this.#hasMore = true
      unshift(chunk, ...rest)
    }
  }

  /** A message has come to its end, by its own framing. */
  over(): void {
    this.#isOver = true
  }

  begin(): void {
    this.#isOver = false
    this.#hasMore = false
  }

  /** With the end of the message came bytes that are no part of it: who knows which of them are. */
  get isSpoilt(): boolean {
    if (this.#hasMore) return true
    const error = this.#socket?.errored
    return error instanceof errors.SocketError || error instanceof errors.HTTPParserError
  }
}

type Options = Client.Options & { connect: buildConnector.connector }

/** A pool's client that tells the handlers of its requests about its connection. */
export function watchedClient(origin: URL, options: object): Dispatcher {
  const connection = new UpstreamConnection()
  const { connect } = options as Options
  const client = new Client(origin, {
    ...options,
    connect: (to: buildConnector.Options, done: buildConnector.Callback) =>
      connect(to, (...result) => {
        // Where it fails, undici gives no second argument at all.
        const [, socket] = result as [Error | null, Socket?]
        if (socket) connection.opened(socket)
        done(...result)
      }),
  })
  const dispatch = client.dispatch.bind(client)
  client.dispatch = (request, handler) => {
    ;(handler as Dispatcher.DispatchHandler & OnConnection).connection = connection
    return dispatch(request, handler)
  }
  return client
}
