import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createProxyMiddleware } from 'http-proxy-middleware'
import micromatch from 'micromatch'
import type { Logger } from 'pino'

export interface UpgradeSettings {
  /** Path globs where upgrades may pass. */
  readonly upgrades: readonly string[]
}

/**
 * WebSocket and the like: no cache's business, carried by http-proxy-middleware. Only where allowed; everything else is answered
 * 404 and closed.
 */
export function upgradeHandler(origin: string, settings: UpgradeSettings, log: Logger) {
  const allowed = settings.upgrades.map(glob => micromatch.matcher(glob, { dot: true }))
  const proxy = createProxyMiddleware<IncomingMessage>({
    target: origin,
    ws: true,
    changeOrigin: true,
    logger: {
      info() {},
      warn: (text: string) => log.warn({ what: 'upgrade' }, text),
      error: (text: string) => log.warn({ what: 'upgrade' }, text),
    },
    on: {
      error: (_error, _req, res) => {
        const socket = res as Socket
        if (typeof socket.end === 'function' && socket.writable)
          socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n')
      },
    },
  })
  return (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = (req.url ?? '/').split('?', 1)[0]!
    const mayPass =
      req.method === 'GET' &&
      /^websocket$/i.test(req.headers.upgrade ?? '') &&
      allowed.some(matches => matches(path))
    if (!mayPass)
      return void socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    socket.on('error', error =>
      log.debug({ what: 'upgrade', error: error.message }, 'client of an upgraded connection'),
    )
    proxy.upgrade(req, socket as Socket, head)
  }
}
