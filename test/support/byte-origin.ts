import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

/** One request on the wire, and the connection to answer it on with whatever bytes a test likes. */
export interface ByteExchange {
  /** Method and target, e.g. `GET /a`. */
  readonly line: string
  /** The header section as it came, from the request line to the empty line. */
  readonly head: string
  /** Which request it is on its connection, from 1. */
  readonly nth: number
  readonly socket: Socket
  field(name: string): string | undefined
}

export interface ByteOrigin {
  readonly url: string
  readonly port: number
  /** All requests so far. */
  readonly requests: readonly ByteExchange[]
  /** Resolves when so many requests have come in all. */
  asked(times: number): Promise<void>
  stop(): Promise<void>
}

/**
 * An origin that speaks bytes: what a well-behaved HTTP server can't send (cut bodies, wrong lengths, resets). Requests must
 * have no content, or the answer must take it from the socket itself.
 */
export async function startByteOrigin(answer: (exchange: ByteExchange) => void): Promise<ByteOrigin> {
  const requests: ByteExchange[] = []
  const sockets = new Set<Socket>()
  let waiting: { times: number; resolve: () => void }[] = []
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A proxy may reset what it no longer wants.
    socket.on('error', () => undefined)
    let text = ''
    let nth = 0
    socket.on('data', data => {
      text += data.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = text.slice(0, end)
      text = text.slice(end + 4)
      const exchange = {
        line: head.slice(0, head.indexOf(' HTTP/')),
        head,
        nth: ++nth,
        socket,
        field: fieldIn(head),
      }
      requests.push(exchange)
      waiting = waiting.filter(({ times, resolve }) => {
        if (times > requests.length) return true
        resolve()
        return false
      })
      answer(exchange)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    asked: times =>
      new Promise(resolve => {
        if (requests.length >= times) resolve()
        else waiting.push({ times, resolve })
      }),
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function fieldIn(head: string) {
  return (name: string): string | undefined => {
    const found = new RegExp(`^${name}: *(.*)$`, 'im').exec(head)
    return found?.[1]?.trim()
  }
}

/** `HTTP/1.1 200 OK`, Date and the fields, to the empty line. */
export function head(status: number, ...fields: string[]): string {
  return [`HTTP/1.1 ${status} Some`, `Date: ${new Date().toUTCString()}`, ...fields, '', ''].join('\r\n')
}
