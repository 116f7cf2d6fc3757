import { beforeEach, describe, expect, test } from '@jest/globals'
import { connect, type Socket } from 'node:net'
import { head, type ByteExchange } from '../../support/byte-origin.js'
import { rawRequest } from '../../support/raw-client.js'
import { behind } from './proxied.js'

/** P3: only whole bodies are stored, and a client sees a cut as a cut. */

const FRESH = 'Cache-Control: max-age=3600'
const small = Buffer.alloc(2000, 's')
const large = Buffer.alloc(600_000, 'l')
const half = (body: Buffer) => body.subarray(0, body.length / 2)
const chunk = (body: Buffer) =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')])

/** A reset takes back what the other side has not read yet: so it comes only once the client has something. */
let clientHasSomething: Promise<void>
let tellSomething: () => void
beforeEach(() => {
  clientHasSomething = new Promise(resolve => {
    tellSomething = resolve
  })
})
const reset = async (socket: Socket) => {
  await clientHasSomething
  // `resetAndDestroy` alone ends the connection in good order before it resets it.
  ;(socket as Socket & { resetAndClosing: boolean }).resetAndClosing = true
  socket.destroy()
}

/** How an origin breaks off after half of a body. */
const cuts: Record<string, (x: ByteExchange, body: Buffer) => void> = {
  'closes after half of a Content-Length body': ({ socket }, body) => {
    socket.write(head(200, FRESH, `Content-Length: ${body.length}`))
    socket.end(half(body))
  },
  'closes after half of a chunked body': ({ socket }, body) => {
    socket.write(head(200, FRESH, 'Transfer-Encoding: chunked'))
    socket.end(chunk(half(body)))
  },
  'closes in the middle of a chunk': ({ socket }, body) => {
    socket.write(head(200, FRESH, 'Transfer-Encoding: chunked'))
    socket.end(chunk(body).subarray(0, body.length / 2))
  },
  'closes before the last chunk': ({ socket }, body) => {
    socket.write(head(200, FRESH, 'Transfer-Encoding: chunked'))
    socket.end(chunk(body))
  },
  'sends what is no chunk': ({ socket }, body) => {
    socket.write(head(200, FRESH, 'Transfer-Encoding: chunked'))
    socket.end(Buffer.concat([chunk(half(body)), Buffer.from('zz\r\nno\r\n0\r\n\r\n')]))
  },
  'resets in the middle of a Content-Length body': ({ socket }, body) => {
    socket.write(head(200, FRESH, `Content-Length: ${body.length}`))
    socket.write(half(body), () => void reset(socket))
  },
  'resets in the middle of a chunked body': ({ socket }, body) => {
    socket.write(head(200, FRESH, 'Transfer-Encoding: chunked'))
    socket.write(chunk(half(body)), () => void reset(socket))
  },
}

describe.each(Object.entries(cuts))('an origin that %s', (_name, cut) => {
  test.each([
    ['small', small],
    ['large', large],
  ])('%s body: not stored, the client sees the cut, the next request asks again', async (_size, body) => {
    let broken = true
    const { origin, proxy } = await behind(
      x => {
        if (broken) return cut(x, body)
        x.socket.write(head(200, FRESH, `Content-Length: ${body.length}`))
        x.socket.write(body)
      },
      { limits: { smallBodyBytes: '64KiB' } },
    )
    const first = await rawRequest({ port: proxy.port, target: '/cut', onData: tellSomething })
    // What is broken within the origin's first packet is seen before anything has gone out.
    if (first.status === 200) expect(first.complete).toBe(false)
    else expect(first.status).toBe(502)
    expect(first.field('X-Cache')).toBe('MISS')
    broken = false
    const second = await rawRequest({ port: proxy.port, target: '/cut' })
    expect(second).toMatchObject({ status: 200, complete: true })
    expect(second.field('X-Cache')).toBe('MISS')
    expect(second.body.equals(body)).toBe(true)
    expect(origin.requests).toHaveLength(2)
  })
})

test.each([
  ['closes', (socket: Socket) => void socket.end()],
  ['resets', (socket: Socket) => void reset(socket)],
])(
  'an HTTP/1.0 client, who knows the end by nothing but the close, sees an error when the origin %s',
  async (_how, breakOff) => {
    let cutNow = () => {}
    const { proxy } = await behind(({ socket }) => {
      socket.write(head(200, FRESH, 'Transfer-Encoding: chunked'))
      socket.write(chunk(large))
      cutNow = () => breakOff(socket)
    })
    const ended = await new Promise<string>(resolve => {
      const socket = connect(proxy.port, '127.0.0.1', () =>
        socket.write('GET /cut HTTP/1.0\r\nHost: a\r\n\r\n'),
      )
      let bytes = 0
      let body = -1
      socket.on('data', data => {
        tellSomething()
        if (body < 0) body = data.indexOf('\r\n\r\n') + 4
        bytes += data.length
        // With bytes still unread, libuv takes a reset for an end.
        if (bytes === body + large.length) cutNow()
      })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)))
      socket.on('end', () => resolve('end'))
    })
    expect(ended).toBe('ECONNRESET')
  },
)

test('an origin that sends more than its Content-Length: nobody can tell what is meant; 502, and the connection is not used again', async () => {
  const { origin, proxy } = await behind(({ socket }) => {
    socket.write(
      head(200, FRESH, 'Content-Length: 5') + 'whole' + head(200, FRESH, 'Content-Length: 8') + 'smuggled',
    )
  })
  const first = await rawRequest({ port: proxy.port, target: '/a' })
  expect(first.status).toBe(502)
  const second = await rawRequest({ port: proxy.port, target: '/b' })
  expect(second.status).toBe(502)
  expect(origin.requests.map(({ nth }) => nth)).toEqual([1, 1])
})

test('an origin that stalls in mid-body: the client sees the cut, nothing is stored', async () => {
  let stalls = true
  const { origin, proxy } = await behind(
    ({ socket }) => {
      socket.write(head(200, FRESH, 'Content-Length: 10') + (stalls ? 'half' : 'halfsecond'.slice(0, 10)))
    },
    { proxy: { bodyTimeoutMs: 100 } },
  )
  const first = await rawRequest({ port: proxy.port, target: '/stall' })
  expect(first).toMatchObject({ status: 200, complete: false })
  stalls = false
  const second = await rawRequest({ port: proxy.port, target: '/stall' })
  expect(second.field('X-Cache')).toBe('MISS')
  expect(second.complete).toBe(true)
  expect(origin.requests).toHaveLength(2)
})

describe('a body that ends with the connection', () => {
  const answer = ({ socket }: ByteExchange) => socket.end(head(200, FRESH) + 'until the close')
  test('is passed, and not stored: a cut could not be told from its end', async () => {
    const { origin, proxy } = await behind(answer)
    for (const _ of [1, 2]) {
      const got = await rawRequest({ port: proxy.port, target: '/close' })
      expect(got).toMatchObject({ status: 200, complete: true })
      expect(got.body.toString()).toBe('until the close')
      expect(got.field('X-Cache')).toBe('MISS')
      expect(got.field('Cache-Status')).not.toContain('stored')
    }
    expect(origin.requests).toHaveLength(2)
  })
  test('is stored where the operator says so', async () => {
    const { origin, proxy } = await behind(answer, { http: { storeCloseDelimited: true } })
    await rawRequest({ port: proxy.port, target: '/close' })
    const second = await rawRequest({ port: proxy.port, target: '/close' })
    expect(second.field('X-Cache')).toBe('HIT')
    expect(second.body.toString()).toBe('until the close')
    expect(origin.requests).toHaveLength(1)
  })
})

test('an origin that sends no valid HTTP: 502 with the reason, nothing stored', async () => {
  const { proxy } = await behind(({ socket }) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'))
  const got = await rawRequest({ port: proxy.port, target: '/ssh' })
  expect(got.status).toBe(502)
  expect(got.field('Content-Type')).toBe('application/problem+json')
  expect(JSON.parse(got.body.toString())).toMatchObject({ status: 502, code: 'STRATA_ORIGIN_INVALID' })
  expect(got.field('X-Cache')).toBe('MISS')
  expect(got.field('Cache-Status')).toContain('STRATA_ORIGIN_INVALID')
})

describe('connections that the origin closes', () => {
  test('each used again once too often, all idle ones at once: no client sees it', async () => {
    let strict = false
    let together: ByteExchange[] = []
    const { origin, proxy } = await behind(x => {
      if (strict && x.nth > 1) return void x.socket.destroy()
      const answer = (one: ByteExchange) =>
        one.socket.write(head(200, 'Cache-Control: no-store', 'Content-Length: 2') + 'ok')
      if (strict) return answer(x)
      // Eight at once, so that eight connections are kept.
      together.push(x)
      if (together.length === 8) together.splice(0).forEach(answer)
    })
    await Promise.all([...Array(8).keys()].map(i => rawRequest({ port: proxy.port, target: `/${i}` })))
    together = []
    strict = true
    const got = await Promise.all(
      [...Array(8).keys()].map(i => rawRequest({ port: proxy.port, target: `/again/${i}` })),
    )
    expect(got.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(origin.requests.length).toBeGreaterThan(16)
  })

  test('a POST is not sent twice: 502', async () => {
    let posts = 0
    const { proxy } = await behind(x => {
      if (x.line.startsWith('POST')) {
        posts++
        return void x.socket.destroy()
      }
      x.socket.write(head(200, 'Cache-Control: no-store', 'Content-Length: 2') + 'ok')
    })
    await rawRequest({ port: proxy.port, target: '/warm' })
    const got = await rawRequest({ port: proxy.port, method: 'POST', target: '/pay', body: 'x' })
    expect(got.status).toBe(502)
    expect(got.field('X-Cache')).toBe('BYPASS')
    expect(posts).toBe(1)
  })
})
