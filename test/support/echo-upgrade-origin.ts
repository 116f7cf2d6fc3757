import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

export interface EchoUpgradeOrigin {
  readonly url: string
  readonly port: number
  /** Requests that asked for an upgrade, and those that did not. */
  readonly upgrades: readonly IncomingMessage[]
  readonly plain: readonly IncomingMessage[]
  /** The origin's ends of the connections. */
  readonly sockets: readonly Duplex[]
  stop(): Promise<void>
}

/** Switches to `websocket` as RFC 6455 §4.2.2 has it, and then sends back every byte. `/no` it answers with a chunked 403. */
export async function startEchoUpgradeOrigin(): Promise<EchoUpgradeOrigin> {
  const upgrades: IncomingMessage[] = []
  const plain: IncomingMessage[] = []
  const sockets: Duplex[] = []
  const server = createServer((req, res) => {
    plain.push(req)
    let bytes = 0
    req.on('data', (chunk: Buffer) => (bytes += chunk.length))
    req.on('end', () => res.end(`plain ${req.method} ${bytes}`))
  })
  server.on('upgrade', (req, socket: Duplex) => {
    upgrades.push(req)
    sockets.push(socket)
    socket.on('error', () => undefined)
    if (req.url === '/no') {
      const fields = 'Transfer-Encoding: chunked\r\nKeep-Alive: timeout=1\r\n'
      return void socket.end(`HTTP/1.1 403 Forbidden\r\n${fields}\r\n4\r\nnope\r\n0\r\n\r\n`)
    }
    const accept = createHash('sha1')
      .update(`${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64')
    const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`]
    // The first bytes come right behind the head.
    socket.write(['HTTP/1.1 101 Switching Protocols', ...fields, '', 'hello'].join('\r\n'))
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    upgrades,
    plain,
    sockets,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
