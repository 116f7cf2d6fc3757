import { describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http, { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { startInProcessProxy } from '../../support/in-process-proxy.js'
import { rawRequest } from '../../support/raw-client.js'
import { closeLater, sendBytes } from './proxied.js'

/** Content of requests streams through, at the pace of who takes it. */

async function before(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closeLater(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const proxy = await startInProcessProxy({ origin })
  closeLater(() => proxy.close())
  return proxy
}

const MiB = 1024 ** 2

describe.each([['Content-Length'], ['chunked']])('50 MiB, %s', framing => {
  test('come whole, and no faster than the origin takes them', async () => {
    let arrived: (req: IncomingMessage) => void
    const request = new Promise<IncomingMessage>(resolve => (arrived = resolve))
    const proxy = await before((req, res) => {
      const hash = createHash('sha256')
      req.on('end', () =>
        res.end(
          `${framing === 'chunked' ? req.headers['transfer-encoding'] : req.headers['content-length']} ${hash.digest('hex')}`,
        ),
      )
      req.pause()
      req.on('data', chunk => hash.update(chunk as Buffer))
      req.pause()
      arrived(req)
    })
    const block = Buffer.alloc(MiB, 'u')
    const headers =
      framing === 'chunked' ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': 50 * MiB }
    const upload = http.request({ port: proxy.port, host: '127.0.0.1', method: 'POST', path: '/up', headers })
    const response = once(upload, 'response') as Promise<[IncomingMessage]>
    let written = 0
    const more = () => {
      while (written < 50) {
        written++
        if (!upload.write(block)) return void upload.once('drain', more)
      }
      upload.end()
    }
    more()
    const taken = await request
    // Nobody takes anything: the client comes to a stop once the buffers on the way are full.
    let before_ = -1
    while (before_ !== written) {
      before_ = written
      await new Promise(resolve => setTimeout(resolve, 200))
    }
    expect(written).toBeLessThan(40)
    taken.resume()
    const [answer] = await response
    let text = ''
    for await (const chunk of answer) text += String(chunk)
    const hash = createHash('sha256')
    for (let i = 0; i < 50; i++) hash.update(block)
    expect(text).toBe(`${framing === 'chunked' ? 'chunked' : 50 * MiB} ${hash.digest('hex')}`)
    expect(answer.headers['x-cache']).toBe('BYPASS')
  })
})

test('Expect: 100-continue: the client hears 100, the origin gets content and no expectation', async () => {
  let expectation: string | undefined = 'none came'
  const proxy = await before((req, res) => {
    expectation = req.headers.expect
    req.resume().on('end', () => res.end('done'))
  })
  const socket = connect(proxy.port, '127.0.0.1')
  closeLater(async () => socket.destroy())
  socket.write(
    'PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n',
  )
  const [first] = (await once(socket, 'data')) as [Buffer]
  expect(first.toString()).toMatch(/^HTTP\/1\.1 100 /)
  socket.write('data')
  const [second] = (await once(socket, 'data')) as [Buffer]
  expect(second.toString()).toMatch(/^HTTP\/1\.1 200 /)
  expect(expectation).toBeUndefined()
})

test('a GET with content is passed with it, and not stored', async () => {
  let requests = 0
  const proxy = await before((req, res) => {
    requests++
    let text = ''
    req.on('data', chunk => (text += String(chunk)))
    req.on('end', () => res.setHeader('Cache-Control', 'max-age=60').end(`got ${text}`))
  })
  for (const body of ['one', 'two']) {
    const got = await rawRequest({ port: proxy.port, target: '/search', body })
    expect(got.body.toString()).toBe(`got ${body}`)
    expect(got.field('X-Cache')).toBe('BYPASS')
    expect(got.field('Cache-Status')).toBe('strata; fwd=bypass; fwd-status=200; detail=request-body')
  }
  expect((await rawRequest({ port: proxy.port, target: '/search' })).field('X-Cache')).toBe('MISS')
  expect(requests).toBe(3)
})

test('a client that leaves amid its upload: the origin’s request is cut, not ended', async () => {
  let cut: (aborted: boolean) => void
  const aborted = new Promise<boolean>(resolve => (cut = resolve))
  const proxy = await before(req => {
    req.on('error', () => undefined)
    req.resume().on('close', () => cut(!req.complete))
  })
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin')
  socket.once('ready', () => setImmediate(() => socket.destroy()))
  expect(await aborted).toBe(true)
})

test('an origin that answers before it has all: the client gets the answer', async () => {
  const proxy = await before((_req, res) => res.writeHead(413, { Connection: 'close' }).end('too much'))
  const got = await sendBytes(
    proxy.port,
    'POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\nConnection: close\r\n\r\nbegin',
  )
  expect(got).toMatch(/^HTTP\/1\.1 413 /)
  expect(got).toMatch(/too much/)
})
