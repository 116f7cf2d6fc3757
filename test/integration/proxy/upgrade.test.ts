import { describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { startByteOrigin } from '../../support/byte-origin.js'
import { startEchoUpgradeOrigin } from '../../support/echo-upgrade-origin.js'
import { startInProcessProxy } from '../../support/in-process-proxy.js'
import { closeLater, sendBytes, type ProxyOptions } from './proxied.js'

/** WebSockets pass where they are allowed; any other offer to upgrade is ignored. */

const everywhere = { upgrades: ['**'] }

async function beforeEcho(options: ProxyOptions = { proxy: everywhere }) {
  const origin = await startEchoUpgradeOrigin()
  closeLater(() => origin.stop())
  const proxy = await startInProcessProxy({ origin: origin.url, ...options })
  let closing: Promise<void> | undefined
  const close = () => (closing ??= proxy.close())
  closeLater(close)
  return { origin, port: proxy.port, close }
}

const request = (target: string, ...fields: string[]) =>
  [
    `GET ${target} HTTP/1.1`,
    'Host: a.example',
    'Connection: keep-alive, Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...fields,
    '',
    '',
  ].join('\r\n')

/** Everything up to and with `text`. */
async function upTo(socket: Socket, text: string): Promise<string> {
  let received = ''
  while (!received.includes(text)) {
    const [data] = (await once(socket, 'data')) as [Buffer]
    received += data.toString('latin1')
  }
  return received
}

async function opened(port: number, target = '/ws', ...fields: string[]) {
  const socket = connect(port, '127.0.0.1')
  closeLater(async () => socket.destroy())
  socket.on('error', () => undefined)
  socket.write(request(target, ...fields))
  return { socket, head: await upTo(socket, 'hello') }
}

describe('a WebSocket', () => {
  test('is switched, and carries bytes both ways, the first ones too', async () => {
    const { origin, port } = await beforeEcho()
    const { socket, head } = await opened(port, '/ws?x=1')
    expect(head).toMatch(/^HTTP\/1\.1 101 /)
    expect(head).toMatch(/^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$/im)
    expect(head).toMatch(/^via: 1\.1 strata\r$/im)
    expect(head).toMatch(/\r\n\r\nhello$/)
    socket.write('ping')
    expect(await upTo(socket, 'ping')).toBe('ping')
    const [asked] = origin.upgrades
    expect(asked!.url).toBe('/ws?x=1')
  })

  test('its request gets the same hygiene as any other', async () => {
    const { origin, port } = await beforeEcho()
    await opened(
      port,
      '/ws',
      'X-Forwarded-For: 6.6.6.6',
      'X-Forwarded-Host: evil',
      'Forwarded: for=6.6.6.6',
      'Keep-Alive: 1',
    )
    const { headers } = origin.upgrades[0]!
    expect(headers).toMatchObject({
      host: `127.0.0.1:${origin.port}`,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'a.example',
      'x-forwarded-proto': 'http',
      via: '1.1 strata',
      'sec-websocket-version': '13',
    })
    expect(headers.forwarded).toBeUndefined()
    expect(headers['keep-alive']).toBeUndefined()
  })

  test('Host as the setting says', async () => {
    const { origin, port } = await beforeEcho({ proxy: { ...everywhere, hostHeader: 'preserve' } })
    await opened(port)
    expect(origin.upgrades[0]!.headers.host).toBe('a.example')
  })

  test('when the client goes, the origin’s connection goes too', async () => {
    const { origin, port } = await beforeEcho()
    const { socket } = await opened(port)
    const closed = once(origin.sockets[0]!, 'close')
    socket.resetAndDestroy()
    await closed
  })

  test('when the origin goes, the client’s connection goes too, with no HTTP in its stream', async () => {
    const { origin, port } = await beforeEcho()
    const { socket } = await opened(port)
    let more = ''
    socket.on('data', data => (more += data.toString('latin1')))
    const closed = once(socket, 'close')
    origin.sockets[0]!.destroy()
    await closed
    expect(more).toBe('')
  })

  test('drain cuts what never ends by itself', async () => {
    const { port, close } = await beforeEcho({ proxy: everywhere, server: { drainTimeoutMs: 50 } })
    const { socket } = await opened(port)
    const closed = once(socket, 'close')
    await close()
    await closed
  })

  test('an origin that refuses: its answer, rightly framed, and the end', async () => {
    const { port } = await beforeEcho()
    const got = await sendBytes(port, request('/no'))
    expect(got).toMatch(/^HTTP\/1\.1 403 /)
    expect(got).not.toMatch(/transfer-encoding|keep-alive/i)
    expect(got).toMatch(/^connection: close\r$/im)
    expect(got).toMatch(/^x-cache: BYPASS\r$/im)
    expect(got).toMatch(/\r\n\r\nnope$/)
  })

  test('an origin that is not there: 502', async () => {
    const gone = await startByteOrigin(() => undefined)
    await gone.stop()
    const proxy = await startInProcessProxy({ origin: gone.url, proxy: everywhere })
    closeLater(() => proxy.close())
    const got = await sendBytes(proxy.port, request('/ws'))
    expect(got).toMatch(/^HTTP\/1\.1 502 /)
    expect(got).toContain('STRATA_ORIGIN_UNREACHABLE')
    expect(got).toMatch(/^X-Cache: BYPASS\r$/m)
    expect(got.match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  test('an origin that says nothing: 504', async () => {
    const silent = await startByteOrigin(() => undefined)
    closeLater(() => silent.stop())
    const proxy = await startInProcessProxy({
      origin: silent.url,
      proxy: { ...everywhere, headersTimeoutMs: 50 },
    })
    closeLater(() => proxy.close())
    expect(await sendBytes(proxy.port, request('/ws'))).toMatch(/^HTTP\/1\.1 504 /)
  })

  test.each([
    ['nowhere, by default', undefined, '/ws', false],
    ['nowhere', [], '/ws', false],
    ['another path', ['/live/**'], '/ws', false],
    ['this path', ['/live/**'], '/live/a', true],
    ['this path, the query aside', ['/live/*'], '/live/a?x=/../b', true],
  ] as const)('allowed at %s', async (_where, upgrades, target, passes) => {
    const { origin, port } = await beforeEcho(
      upgrades === undefined ? {} : { proxy: { upgrades: [...upgrades] } },
    )
    if (passes) {
      expect((await opened(port, target)).head).toMatch(/^HTTP\/1\.1 101 /)
      return
    }
    const got = await sendBytes(port, request(target))
    expect(got).toMatch(/^HTTP\/1\.1 403 /)
    expect(got).toContain('STRATA_FORBIDDEN')
    expect(got).toMatch(/^X-Cache: BYPASS\r$/m)
    expect(origin.upgrades).toHaveLength(0)
  })

  test('two Host fields: 400', async () => {
    const { origin, port } = await beforeEcho()
    expect(await sendBytes(port, request('/ws', 'Host: b.example'))).toMatch(/^HTTP\/1\.1 400 /)
    expect(origin.upgrades).toHaveLength(0)
  })
})

describe('an offer of another protocol is ignored', () => {
  test('GET with h2c, as Java’s client sends it: answered as usual, and the connection lives on', async () => {
    const { origin, port } = await beforeEcho()
    const offer = [
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
    ]
    const first = ['GET /one HTTP/1.1', 'Host: a', ...offer, '', ''].join('\r\n')
    const socket = connect(port, '127.0.0.1')
    closeLater(async () => socket.destroy())
    socket.write(first)
    expect(await upTo(socket, 'plain GET 0')).toMatch(/^HTTP\/1\.1 200 [^]*X-Cache: MISS/)
    socket.write(first.replace('/one', '/two'))
    expect(await upTo(socket, 'plain GET 0')).toMatch(/^HTTP\/1\.1 200 /)
    socket.write('GET /three HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(await upTo(socket, 'plain GET 0')).toMatch(/^HTTP\/1\.1 200 /)
    expect(origin.upgrades).toHaveLength(0)
    expect(origin.plain.map(({ url }) => url)).toEqual(['/one', '/two', '/three'])
    expect(origin.plain[0]!.headers).not.toHaveProperty('http2-settings')
  })

  test('POST with h2c: its content is not lost', async () => {
    const { port } = await beforeEcho()
    const fields = ['Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 200000']
    const socket = connect(port, '127.0.0.1')
    closeLater(async () => socket.destroy())
    socket.write(['POST /up HTTP/1.1', 'Host: a', ...fields, '', ''].join('\r\n'))
    socket.write(Buffer.alloc(200_000, 'x'))
    expect(await upTo(socket, 'plain POST')).toMatch(/plain POST 200000$/)
  })
})
