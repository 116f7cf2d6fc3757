import { afterAll, afterEach, expect, test } from '@jest/globals'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { startByteOrigin, type ByteExchange, type ByteOrigin } from '../support/byte-origin.js'
import { startInProcessProxy } from '../support/in-process-proxy.js'
import { openApp } from './rig/fronts.js'
import { Tally } from './rig/tally.js'
import { ask, send } from './rig/wire.js'

/** An origin, or who sits between, that sends what is no HTTP message: 502, nothing stored, and the connection is not used again. */

const attacks = new Tally()
afterAll(() => attacks.report())

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const FRESH = 'Cache-Control: max-age=60\r\n'
const CANARY = `HTTP/1.1 200 OK\r\n${FRESH}Content-Length: 6\r\n\r\ncanary`
const OK = `HTTP/1.1 200 OK\r\n${FRESH}`

/** Whole answers as bytes; the connection stays open after them, unless their name says that it ends. */
const ANOMALIES: Record<string, string> = {
  'bare CR in a value': `${OK}X: a\rSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok`,
  'bare LF in a value': `${OK}X: a\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok`,
  'NUL in a value': `${OK}X: a\0b\r\nContent-Length: 2\r\n\r\nok`,
  'a vertical tab in Cache-Control': `HTTP/1.1 200 OK\r\nCache-Control: max-age=60,\x0bprivate\r\nContent-Length: 2\r\n\r\nok`,
  'a space before the colon': `HTTP/1.1 200 OK\r\nCache-Control : no-store\r\nContent-Length: 2\r\n\r\nok`,
  'a space in a name': `${OK}X Y: a\r\nContent-Length: 2\r\n\r\nok`,
  'a line without a colon': `${OK}abc\r\nContent-Length: 2\r\n\r\nok`,
  'a folded line': `HTTP/1.1 200 OK\r\nX: a\r\n Cache-Control: no-store\r\nContent-Length: 2\r\n\r\nok`,
  'two lengths': `${OK}Content-Length: 2\r\nContent-Length: 4\r\n\r\nokok`,
  'two lengths in a list': `${OK}Content-Length: 2, 4\r\n\r\nokok`,
  'a length with a sign': `${OK}Content-Length: +2\r\n\r\nok`,
  'a length that is none': `${OK}Content-Length: two\r\n\r\nok`,
  'a negative length': `${OK}Content-Length: -2\r\n\r\nok`,
  'a length beyond all bounds': `${OK}Content-Length: 99999999999999999999\r\n\r\nok`,
  'length and chunks': `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunks and length': `${OK}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'a chunk size that is none': `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n`,
  'a chunk longer than its size': `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n`,
  'bytes behind the length': `${OK}Content-Length: 2\r\n\r\nok${CANARY}`,
  'bytes behind the length, to be closed': `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok${CANARY}`,
  'bytes behind the last chunk': `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${CANARY}`,
  'bytes behind 204': `HTTP/1.1 204 No Content\r\n${FRESH}\r\n${CANARY}`,
  'content of 304 unasked': `HTTP/1.1 304 Not Modified\r\n${FRESH}\r\n${CANARY}`,
  'no status': `HTTP/1.1 \r\n${FRESH}Content-Length: 2\r\n\r\nok`,
  'a status of four digits': `HTTP/1.1 2000 OK\r\n${FRESH}Content-Length: 2\r\n\r\nok`,
  'a status that is none': `HTTP/1.1 abc OK\r\n${FRESH}Content-Length: 2\r\n\r\nok`,
  'status 0': `HTTP/1.1 000 OK\r\n${FRESH}Content-Length: 2\r\n\r\nok`,
  'another protocol': `SSH-2.0-x\r\n\r\n`,
  'HTTP/2 by its frames': '\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80',
  'HTTP/0.9': 'ok\r\n\r\n',
  'a version that is none': `HTTP/9.9 200 OK\r\n${FRESH}Content-Length: 2\r\n\r\nok`,
  '101 unasked': `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n${CANARY}`,
  'a thousand interim responses': `${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(1000)}${OK}Content-Length: 2\r\n\r\nok`,
  'a thousand 102': `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000)}${OK}Content-Length: 2\r\n\r\nok`,
  'a field of 100 KB': `${OK}X: ${'x'.repeat(100_000)}\r\nContent-Length: 2\r\n\r\nok`,
  'ten thousand fields': `${OK}${'X-Field: x\r\n'.repeat(10_000)}Content-Length: 2\r\n\r\nok`,
  'a name of 100 KB': `${OK}${'x'.repeat(100_000)}: x\r\nContent-Length: 2\r\n\r\nok`,
}

/** Lines and lists that RFC 9112 lets a recipient put right: what comes must at least be sound, and say no-store if it was said. */
const startOrigin = async (answer: (x: ByteExchange) => void): Promise<ByteOrigin> => {
  const origin = await startByteOrigin(answer)
  closing.push(() => origin.stop())
  return origin
}

test(`${Object.keys(ANOMALIES).length} broken answers before the proxy`, async () => {
  const origin = await startOrigin(({ socket, line }) => {
    const name = decodeURIComponent(line.slice('GET /'.length))
    const bytes = ANOMALIES[name]
    socket.write(Buffer.from(bytes ?? `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext`, 'latin1'))
  })
  const proxy = await startInProcessProxy({
    origin: origin.url,
    proxy: { headersTimeoutMs: 2000, maxConnections: 1 },
  })
  closing.push(() => proxy.close())
  for (const name of Object.keys(ANOMALIES)) {
    const target = `/${encodeURIComponent(name)}`
    const before = origin.requests.length
    const first = await ask(proxy.port, { target })
    const second = await ask(proxy.port, { target })
    attacks.record(
      `${name}: answer`,
      ![502, 504].includes(first.status) && `${first.status} ${first.body.slice(0, 40)}`,
    )
    attacks.record(`${name}: stored`, second.field('x-cache') === 'HIT' && 'it was')
    const next = await ask(proxy.port, { target: `/next?${before}` })
    attacks.record(`${name}: next answer`, next.body !== 'next' && `${next.status} ${next.body.slice(0, 40)}`)
    attacks.record(
      `${name}: canary`,
      [first, second, next].some(({ body }) => body.includes('canary')) && 'it came',
    )
    const used = origin.requests.slice(before).map(({ nth }) => nth)
    attacks.record(
      `${name}: connection`,
      used.slice(1).some(nth => nth > 1 && used.length > 2) && `used again: ${used.join()}`,
    )
  }
  expect(attacks.succeeded).toEqual([])
}, 120_000)

test('a header that never ends, and a chunk line that never ends', async () => {
  const endless =
    (first: string, more: string) =>
    ({ socket }: ByteExchange) => {
      socket.write(first)
      const timer = setInterval(() => socket.write(more), 20)
      socket.once('close', () => clearInterval(timer))
    }
  for (const [name, first, more] of [
    ['header, slowly', `${OK}X: `, 'x'],
    ['fields, slowly', OK, 'X: x\r\n'],
    ['header, fast', `${OK}X: `, 'x'.repeat(16_000)],
    ['interim responses, slowly', '', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['status line', 'HTTP/1.1 200 ', 'x'],
  ] as const) {
    const origin = await startOrigin(endless(first, more))
    const proxy = await startInProcessProxy({ origin: origin.url, proxy: { headersTimeoutMs: 1000 } })
    closing.push(() => proxy.close())
    const got = await ask(proxy.port, { target: '/x' })
    attacks.record(name, ![502, 504].includes(got.status) && `${got.status}`)
  }
  expect(attacks.succeeded).toEqual([])
})

test('the middleware before http-proxy-middleware: Trailer, resets in mid-body, hop-by-hop fields', async () => {
  let broken = true
  const origin = await startOrigin(({ socket, line }) => {
    if (line.includes('/cut') && broken) {
      socket.write(`${OK}Content-Length: 1000\r\n\r\nhalf`)
      return void setImmediate(() => socket.resetAndDestroy())
    }
    if (line.includes('/chunks') && broken) {
      socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n3e8\r\nhalf`)
      return void setImmediate(() => socket.resetAndDestroy())
    }
    socket.write(`${OK}Content-Length: 5\r\n\r\nwhole`)
  })
  const app = express()
  const { port, close } = await openApp({}, app, () =>
    app.use(createProxyMiddleware({ target: origin.url, changeOrigin: true })),
  )
  closing.push(close)
  for (const target of ['/cut', '/chunks']) {
    broken = true
    const raw = await send(port, `GET ${target} HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n`)
    attacks.record(
      `${target}: a cut that looks whole`,
      /^HTTP\/1\.1 200/.test(raw) && /\r\n0\r\n\r\n$/.test(raw) && raw,
    )
    broken = false
    const second = await ask(port, { target })
    attacks.record(`${target}: stored`, second.body !== 'whole' && second.body)
  }
  for (const fields of [
    [['Trailer', 'a']],
    [
      ['Trailer', 'a'],
      ['Connection', 'close, Trailer'],
    ],
    [
      ['TE', 'trailers'],
      ['Trailer', 'content-length'],
    ],
    [
      ['Connection', 'Upgrade, HTTP2-Settings'],
      ['Upgrade', 'h2c'],
      ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
    ],
    [
      ['Proxy-Connection', 'keep-alive'],
      ['Keep-Alive', 'timeout=9'],
    ],
    [['Expect', '100-continue']],
  ] as const) {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
      const got = await ask(port, { method, target: `/fields/${fields[0][0]}`, fields: [...fields] })
      const head = origin.requests.at(-1)!.head
      const harm = /^(trailer|te|upgrade|http2-settings|proxy-connection|keep-alive):/im.exec(head)
      attacks.record(
        `${method} ${fields[0].join(': ')}`,
        (harm !== null || got.status !== 200) && `${got.status} ${String(harm?.[0])}`,
      )
    }
  }
  for (const target of ['http://site.example/abs', '//evil.example/x', '/..//evil.example']) {
    await ask(port, { target })
    const { line, head } = origin.requests.at(-1)!
    attacks.record(`target ${target}`, (line.includes('://') || /host: evil/i.test(head)) && line)
  }
  expect(attacks.succeeded).toEqual([])
})
