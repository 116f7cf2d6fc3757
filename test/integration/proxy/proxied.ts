import { afterEach } from '@jest/globals'
import { once } from 'node:events'
import { connect } from 'node:net'
import { startByteOrigin, type ByteExchange, type ByteOrigin } from '../../support/byte-origin.js'
import { startInProcessProxy, type InProcessProxy } from '../../support/in-process-proxy.js'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** To be closed when the test is over, the last first. */
export function closeLater(close: () => Promise<unknown>): void {
  open.push(close)
}

export type ProxyOptions = Omit<Parameters<typeof startInProcessProxy>[0], 'origin'>

/** A proxy of its own before an origin of bytes, for one test. */
export async function behind(
  answer: (exchange: ByteExchange) => void,
  options: ProxyOptions = {},
): Promise<{ origin: ByteOrigin; proxy: InProcessProxy }> {
  const origin = await startByteOrigin(answer)
  closeLater(() => origin.stop())
  const proxy = await startInProcessProxy({ origin: origin.url, ...options })
  closeLater(() => proxy.close())
  return { origin, proxy }
}

/** Sends bytes as they are and gives all that comes until the other side closes. */
export async function sendBytes(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', data => (received += data.toString('latin1')))
  socket.write(text, 'latin1')
  await once(socket, 'close')
  return received
}
