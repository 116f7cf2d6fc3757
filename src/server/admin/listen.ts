import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { StrataError } from '../../errors.js'
import type { Listener } from '../middleware.js'
import { rawAnswer } from '../problem.js'
import type { RunningServer, ServerSettings } from '../proxy.js'

/** Connections to the admin routes at once. */
const MAX_CONNECTIONS = 256

/**
 * A server for the admin routes alone, so that a firewall, and not only a token, can keep them from clients.
 * @throws the listen error (EADDRINUSE, EACCES, …)
 */
export async function listenAdmin(
  listener: Listener,
  where: { readonly host: string; readonly port: number },
  settings: ServerSettings,
): Promise<RunningServer> {
  const server = http.createServer(
    {
      requestTimeout: settings.requestTimeoutMs,
      headersTimeout: settings.headersTimeoutMs,
      keepAliveTimeout: settings.keepAliveTimeoutMs,
      maxHeaderSize: settings.maxHeaderBytes,
    },
    listener,
  )
  server.maxConnections = MAX_CONNECTIONS
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const wrong = new StrataError('STRATA_BAD_REQUEST', 'this is no valid HTTP request')
    ;(socket as Socket).end(rawAnswer(wrong, []))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where.port, where.host, () => resolve())
  })
  const { address, port } = server.address() as AddressInfo
  return { address: { host: address, port }, close: () => drain(server, settings.drainTimeoutMs) }
}

async function drain(server: http.Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeIdleConnections()
  const look = setInterval(() => server.closeIdleConnections(), 50)
  const cut = setTimeout(() => server.closeAllConnections(), timeoutMs)
  await closed
  clearInterval(look)
  clearTimeout(cut)
}
