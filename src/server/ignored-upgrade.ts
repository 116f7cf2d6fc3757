import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

/** What an upgrade to HTTP/2 brings along. */
const UPGRADE_FIELDS = new Set(['upgrade', 'http2-settings'])

/**
 * RFC 9110 §7.8: a server may ignore Upgrade and answer as usual; clients that offer h2c with every request (Java's, curl --http2)
 * count on it. With a listener for upgrades, node has taken the connection out of its parser by now: so the request is put back
 * in front of what is still to be read, without the offer, and the connection is handed in anew.
 */
export function ignoreUpgrade(server: Server, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`]
  const { rawHeaders } = req
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    let value = rawHeaders[i + 1]!
    if (UPGRADE_FIELDS.has(name.toLowerCase())) continue
    if (name.toLowerCase() === 'connection') {
      value = value
        .split(',')
        .filter(option => !UPGRADE_FIELDS.has(option.trim().toLowerCase()))
        .join(',')
      if (value.trim() === '') continue
    }
    lines.push(`${name}: ${value}`)
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}
