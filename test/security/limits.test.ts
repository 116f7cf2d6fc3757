import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import { connect } from 'node:net'
import { KINDS, open, type Front } from './rig/fronts.js'
import { makeReflector } from './rig/reflector.js'
import { Tally } from './rig/tally.js'
import { ask, bytesOf, send } from './rig/wire.js'

/** What has a bound, and methods and loops that end at the proxy. */

const attacks = new Tally()
afterAll(() => attacks.report())

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function front(...args: Parameters<typeof open>): Promise<Front> {
  const opened = await open(...args)
  closing.push(() => opened.close())
  return opened
}

describe('clients that take their time are closed', () => {
  test.each([
    ['the header never comes', 'GET / HTTP/1.1\r\nHost: a\r\n'],
    ['nothing comes', ''],
    ['the content never comes', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx'],
    [
      'the last chunk never comes',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n',
    ],
  ])('%s', async (name, bytes) => {
    const { port } = await front('proxy', { server: { headersTimeoutMs: 200, requestTimeoutMs: 400 } })
    // The test's own time limit is what fails when it is not.
    const got = await send(port, bytes)
    attacks.record(name, got.includes(' 200 ') && got)
    expect(attacks.succeeded).toEqual([])
  })

  test('nothing is taken of the answer', async () => {
    const big = makeReflector({
      '/big': (_req, res) =>
        void res.setHeader('Cache-Control', 'max-age=60').end(Buffer.alloc(48 * 2 ** 20)),
    })
    const { port } = await front(
      'proxy',
      { server: { sendTimeoutMs: 400 }, memory: { maxBodyBytes: '1MiB' } },
      big,
    )
    const socket = connect({
      port,
      host: '127.0.0.1',
      onread: { buffer: Buffer.alloc(1024), callback: () => false },
    })
    socket.on('error', () => undefined)
    socket.write('GET /big HTTP/1.1\r\nHost: a\r\n\r\n')
    // What is sent to a connection that is closed comes back as a reset.
    const probe = setInterval(() => socket.write('x'), 100)
    await new Promise(resolve => socket.once('close', resolve))
    clearInterval(probe)
    attacks.record('slow reader', false)
    expect(attacks.succeeded).toEqual([])
  })
})

test('header, URL and content beyond their limits', async () => {
  const limits = { maxHeaderBytes: 32 * 1024, maxUrlBytes: 1024, maxBodyBytes: 1000 }
  const { port, seen } = await front('proxy', { server: limits })
  const body = 'x'.repeat(1001)
  const requests: Record<string, [string, number]> = {
    'a header of 40 KB': [bytesOf({ target: '/', fields: [['X', 'x'.repeat(40_000)]] }), 431],
    'ten thousand fields': [
      bytesOf({ target: '/', fields: Array.from({ length: 10_000 }, () => ['X', '']) }),
      431,
    ],
    'a URL of 2 KB': [bytesOf({ target: `/${'x'.repeat(2000)}` }), 414],
    'content by its length': [bytesOf({ method: 'POST', target: '/', body }), 413],
    'content in chunks': [
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      413,
    ],
  }
  for (const [name, [bytes, status]] of Object.entries(requests)) {
    const got = await send(port, bytes)
    attacks.record(name, !got.startsWith(`HTTP/1.1 ${status} `) && got.slice(0, 100))
  }
  attacks.record('beyond the limits at the origin', seen.length > 0 && `${seen.length} requests`)
  expect(attacks.succeeded).toEqual([])
})

test('TRACE, CONNECT, Max-Forwards, loops', async () => {
  for (const kind of KINDS) {
    const { port, seen } = await front(kind)
    for (const method of ['TRACE']) {
      const got = await ask(port, { method, target: '/', fields: [['Cookie', 'secret=1']] })
      attacks.record(`${kind} ${method}`, (got.status !== 405 || got.body.includes('secret')) && got.body)
    }
    await send(
      port,
      'CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example:80\r\n\r\nGET /canary HTTP/1.1\r\nHost: a\r\n\r\n',
      undefined,
      { halfClose: true },
    )
    attacks.record(`${kind} CONNECT`, seen.length > 0 && seen[0]!.line)
  }
  const { port, seen } = await front('proxy')
  const zero = await ask(port, { method: 'OPTIONS', target: '/', fields: [['Max-Forwards', '0']] })
  attacks.record('Max-Forwards: 0', (zero.status !== 204 || seen.length > 0) && `${zero.status}`)
  await ask(port, { method: 'OPTIONS', target: '/', fields: [['Max-Forwards', '3']] })
  attacks.record('Max-Forwards: 3', !seen.at(-1)!.text.includes('max-forwards: 2') && seen.at(-1)!.text)
  const loop = await ask(port, {
    target: '/loop',
    fields: [['Via', Array.from({ length: 8 }, () => '1.1 strata').join(', ')]],
  })
  attacks.record(
    'loop',
    (loop.status !== 508 || seen.some(({ line }) => line.includes('/loop'))) && `${loop.status}`,
  )
  expect(attacks.succeeded).toEqual([])
})

test('upgrades pass where they are allowed, and only with the origin’s 101', async () => {
  const { port, seen } = await front('proxy', { proxy: { upgrades: ['/ws/**'] } })
  const websocket = (target: string, more = '') =>
    `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n${more}`
  const refused = await send(port, websocket('/private'), text => text.includes('403'))
  attacks.record(
    'upgrade elsewhere',
    (!refused.startsWith('HTTP/1.1 403') || seen.length > 0) && refused.slice(0, 60),
  )
  // The reflector answers 200 and knows of no WebSocket: what follows must not reach it.
  await send(port, websocket('/ws/x', 'GET /canary HTTP/1.1\r\nHost: a\r\n\r\n'), text =>
    text.includes('\r\n0\r\n\r\n'),
  )
  attacks.record(
    'tunnel without 101',
    seen.some(({ line }) => line.includes('canary')) && 'the canary came through',
  )
  expect(attacks.succeeded).toEqual([])
})

test('variants, keys, fields and tags of one URL are bounded', async () => {
  const wide = makeReflector({
    '/variants': (req, res) =>
      void res
        .setHeader('Cache-Control', 'max-age=60')
        .setHeader('Vary', 'X-V')
        .end(String(req.headers['x-v'])),
    '/fields': (_req, res) => {
      res.setHeader('Cache-Control', 'max-age=60')
      for (let i = 0; i < 100; i++) res.setHeader(`X-${i}`, 'x')
      res.end('x')
    },
    '/tags': (_req, res) => {
      res.setHeader('Cache-Control', 'max-age=60')
      res.setHeader('Cache-Tag', Array.from({ length: 50 }, (_, i) => `t${i}`).join(','))
      res.end('x')
    },
  })
  for (const kind of KINDS) {
    const { port } = await front(
      kind,
      { limits: { maxVariants: 8, maxFields: 64, maxTags: 16, maxUrlLength: 300 } },
      wide,
    )
    for (let i = 0; i < 40; i++) await ask(port, { target: '/variants', fields: [['X-V', `v${i}`]] })
    let kept = 0
    for (let i = 0; i < 40; i++) {
      const got = await ask(port, {
        target: '/variants',
        fields: [
          ['X-V', `v${i}`],
          ['Cache-Control', 'only-if-cached'],
        ],
      })
      if (got.status === 200) kept++
    }
    attacks.record(`${kind}: variants`, kept > 8 && `${kept} kept`)
    for (const target of ['/fields', '/tags', `/long?${'x'.repeat(400)}`]) {
      await ask(port, { target })
      attacks.record(
        `${kind}: ${target.slice(0, 7)}`,
        (await ask(port, { target })).field('x-cache') === 'HIT' && 'stored',
      )
    }
  }
  expect(attacks.succeeded).toEqual([])
})
