import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** How far a connection had come at the last look, and for how many looks it has not moved since. */
interface Progress {
  sent: number
  looks: number
}

const LOOKS = 4

/**
 * Cuts off clients that take nothing of what waits for them: each holds its answer in memory for as long as it likes. All connections
 * are looked at together, so that an answer costs nothing for it.
 * @param timeoutMs longest time in which a client may take nothing, ms; 0: any
 */
export function cutSlowReaders(server: Server, timeoutMs: number): void {
  if (timeoutMs === 0) return
  const connections = new Map<Socket, Progress>()
  server.on('connection', (socket: Socket) => {
    connections.set(socket, { sent: 0, looks: 0 })
    socket.once('close', () => connections.delete(socket))
  })
  const look = setInterval(() => {
    for (const [socket, progress] of connections) {
      const sent = socket.bytesWritten - socket.writableLength
      progress.looks = socket.writableLength > 0 && sent === progress.sent ? progress.looks + 1 : 0
      progress.sent = sent
      if (progress.looks >= LOOKS) socket.destroy()
    }
  }, timeoutMs / LOOKS)
  look.unref()
  server.once('close', () => clearInterval(look))
}
