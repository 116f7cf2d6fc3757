import { describe, expect, test } from '@jest/globals'
import { head, type ByteExchange } from '../../support/byte-origin.js'
import { rawRequest } from '../../support/raw-client.js'
import { behind, sendBytes } from './proxied.js'

/** What a proxy takes off, puts on and refuses (RFC 9110 §7.6, RFC 9112 §3.2). */

const ok = ({ socket }: ByteExchange) =>
  socket.write(head(200, 'Cache-Control: no-store', 'Content-Length: 2') + 'ok')

describe('what the origin gets', () => {
  test('no field of the connection, not even those that Connection names', async () => {
    const { origin, proxy } = await behind(ok)
    const fields: [string, string][] = [
      ['Connection', 'X-Secret, keep-alive'],
      ['X-Secret', 'mine'],
      ['Keep-Alive', 'timeout=5'],
      ['Proxy-Connection', 'keep-alive'],
      ['TE', 'trailers, gzip'],
      ['Trailer', 'a'],
      ['X-Kept', 'yes'],
    ]
    const got = await rawRequest({ port: proxy.port, target: '/a', fields })
    expect(got.status).toBe(200)
    const [asked] = origin.requests
    for (const name of ['X-Secret', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Trailer', 'Upgrade'])
      expect([name, asked!.field(name)]).toEqual([name, undefined])
    expect(asked!.field('X-Kept')).toBe('yes')
    expect(asked!.field('Via')).toBe('1.1 strata')
  })

  test('Connection can’t take away what rules caching or tells who asks', async () => {
    const { origin, proxy } = await behind(ok)
    const fields: [string, string][] = [
      ['Connection', 'authorization, cookie, cache-control'],
      ['Authorization', 'Bearer x'],
      ['Cookie', 'a=b'],
      ['Cache-Control', 'no-store'],
    ]
    await rawRequest({ port: proxy.port, target: '/a', fields })
    const [asked] = origin.requests
    expect(asked!.field('Authorization')).toBe('Bearer x')
    expect(asked!.field('Cookie')).toBe('a=b')
    expect(asked!.field('Cache-Control')).toBe('no-store')
  })

  test('our Via after those before us; where the answer may be for others, our own alone', async () => {
    const { origin, proxy } = await behind(ok, { proxy: { viaName: 'edge' } })
    const fields: [string, string][] = [['Via', '1.0 first, 1.1 edge']]
    await rawRequest({ port: proxy.port, target: '/a', method: 'DELETE', fields })
    await rawRequest({ port: proxy.port, target: '/a', fields })
    const vias = origin.requests.map(({ head }) => head.match(/^Via: .*$/gim))
    expect(vias).toEqual([['Via: 1.0 first, 1.1 edge', 'Via: 1.1 edge'], ['Via: 1.1 edge, 1.1 edge']])
  })

  const CLAIMS: [string, string][] = [
    ['X-Forwarded-For', '6.6.6.6'],
    ['X-Forwarded-Host', 'evil.example'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Port', '666'],
    ['X-Forwarded-Prefix', '/evil'],
    ['Forwarded', 'for=6.6.6.6'],
    ['X-Real-IP', '6.6.6.6'],
    ['X-Original-URL', '/admin'],
    ['X-Rewrite-URL', '/admin'],
    ['X-HTTP-Method-Override', 'DELETE'],
  ]

  test('X-Forwarded-* of ours; nothing of what a client claims', async () => {
    const { origin, proxy } = await behind(ok)
    await rawRequest({ port: proxy.port, target: '/a', fields: CLAIMS })
    const [asked] = origin.requests
    expect(asked!.field('X-Forwarded-For')).toBe('127.0.0.1')
    expect(asked!.field('X-Forwarded-Proto')).toBe('http')
    expect(asked!.field('X-Forwarded-Host')).toBe('127.0.0.1')
    expect(asked!.field('X-Forwarded-Port')).toBe(String(proxy.port))
    // the ports of this run are random, and may well hold the digits of the claim
    const withoutPorts = asked!.head.replaceAll(`:${origin.port}`, '').replace(`Port: ${proxy.port}`, 'Port:')
    expect(withoutPorts).not.toMatch(/evil|6\.6\.6\.6|666|DELETE|\/admin/)
  })

  test('a trusted peer’s word on address and scheme counts', async () => {
    const { origin, proxy } = await behind(ok, { proxy: { trustProxy: ['loopback'] } })
    await rawRequest({ port: proxy.port, target: '/a', fields: CLAIMS })
    const [asked] = origin.requests
    expect(asked!.field('X-Forwarded-For')).toBe('6.6.6.6, 127.0.0.1')
    expect(asked!.field('X-Forwarded-Proto')).toBe('https')
    expect(asked!.field('X-Forwarded-Port')).toBe('666')
    expect(asked!.head).not.toMatch(/evil/)
  })

  test.each([
    ['origin', (port: number) => `127.0.0.1:${port}`],
    ['preserve', () => 'shop.example:81'],
  ] as const)('Host by proxy.hostHeader: %s', async (hostHeader, expected) => {
    const { origin, proxy } = await behind(ok, { proxy: { hostHeader } })
    await sendBytes(proxy.port, 'GET /a HTTP/1.1\r\nHost: Shop.Example:81\r\nConnection: close\r\n\r\n')
    expect(origin.requests[0]!.field('Host')).toBe(expected(origin.port))
    expect(origin.requests[0]!.head.match(/^host:/gim)).toHaveLength(1)
  })

  test.each([
    ['origin', 'HIT', 1],
    ['preserve', 'MISS', 2],
  ] as const)(
    'the port of Host, where it is not sent, makes no second entry (%s: %s)',
    async (hostHeader, second, times) => {
      const { origin, proxy } = await behind(
        ({ socket }) => socket.write(head(200, 'Cache-Control: max-age=60', 'Content-Length: 2') + 'ok'),
        { proxy: { hostHeader } },
      )
      const ask = (host: string) =>
        sendBytes(proxy.port, `GET /a HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      await ask('a.example:1')
      expect(await ask('a.example:2')).toContain(`X-Cache: ${second}`)
      expect(origin.requests).toHaveLength(times)
      // Another host is another site.
      expect(await ask('b.example:1')).toContain('X-Cache: MISS')
    },
  )

  test('path and query byte by byte as they came', async () => {
    const { origin, proxy } = await behind(ok)
    const target = '/a//b/../c/%2e%2E/%7Eü?x=1&x=2&&y=%20+;'.replace('ü', '%fc')
    await rawRequest({ port: proxy.port, target })
    expect(origin.requests[0]!.line).toBe(`GET ${target}`)
  })

  test('absolute-form becomes origin-form', async () => {
    const { origin, proxy } = await behind(ok)
    const got = await sendBytes(
      proxy.port,
      'GET http://site.example/x?y HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n',
    )
    expect(got).toMatch(/^HTTP\/1\.1 200 /)
    expect(origin.requests[0]!.line).toBe('GET /x?y')
  })
})

describe('what the client gets', () => {
  test('no field of the origin’s connection; Via, X-Cache and Cache-Status; the same on a hit', async () => {
    const fields = [
      'Cache-Control: max-age=60',
      'Connection: X-Hop, close',
      'X-Hop: origin',
      'Keep-Alive: timeout=9',
      'Proxy-Connection: close',
      'Upgrade: h2c',
      'Trailer: X-T',
      'Transfer-Encoding: chunked',
      'X-Kept: yes',
      'X-Cache: HIT from elsewhere',
      'Via: 1.1 inner',
    ]
    const { proxy } = await behind(({ socket }) =>
      socket.end(head(200, ...fields) + '2\r\nok\r\n0\r\nX-T: t\r\n\r\n'),
    )
    for (const expected of ['MISS', 'HIT']) {
      const got = await rawRequest({ port: proxy.port, target: '/a' })
      expect(got.complete).toBe(true)
      expect(got.body.toString()).toBe('ok')
      for (const name of ['X-Hop', 'Keep-Alive', 'Proxy-Connection', 'Upgrade', 'Trailer', 'X-T'])
        expect([name, got.field(name)]).toEqual([name, undefined])
      expect(got.field('X-Kept')).toBe('yes')
      expect(got.values('X-Cache')).toEqual([expected])
      expect(got.field('Via')).toBe('1.1 inner, 1.1 strata')
      expect(got.values('Cache-Status')).toHaveLength(1)
    }
  })

  test('1,500 fields, the no-store among the last: all of them come, and it counts', async () => {
    const many = [...Array(1500).keys()].map(i => `X-${i}: ${i}`)
    const { origin, proxy } = await behind(({ socket }) =>
      socket.write(head(200, ...many, 'Cache-Control: no-store', 'Content-Length: 2') + 'ok'),
    )
    for (let i = 0; i < 2; i++) {
      const got = await rawRequest({ port: proxy.port, target: '/many' })
      expect(got.field('X-1499')).toBe('1499')
      expect(got.field('X-Cache')).toBe('MISS')
    }
    expect(origin.requests).toHaveLength(2)
  })
})

describe('what is refused, and never reaches the origin', () => {
  const request = (line: string, ...fields: string[]) =>
    [line, ...fields, 'Connection: close', '', ''].join('\r\n')
  test.each([
    ['two Host fields', request('GET / HTTP/1.1', 'Host: a', 'Host: b'), 400],
    ['the same Host twice', request('GET / HTTP/1.1', 'Host: a', 'Host: a'), 400],
    ['a list for Host', request('GET / HTTP/1.1', 'Host: a, b'), 400],
    ['user information in Host', request('GET / HTTP/1.1', 'Host: u@a'), 400],
    ['a path in Host', request('GET / HTTP/1.1', 'Host: a/b'), 400],
    ['no Host', request('GET / HTTP/1.1'), 400],
    ['an absolute-form of another host', request('GET http://b/ HTTP/1.1', 'Host: a'), 400],
    ['a target that is no path', request('GET x HTTP/1.1', 'Host: a'), 400],
    ['a fragment', request('GET /a#b HTTP/1.1', 'Host: a'), 400],
    ['OPTIONS *', request('OPTIONS * HTTP/1.1', 'Host: a'), 400],
    ['TRACE', request('TRACE / HTTP/1.1', 'Host: a'), 405],
    [
      'two lengths',
      request('POST / HTTP/1.1', 'Host: a', 'Content-Length: 1', 'Content-Length: 2') + 'x',
      400,
    ],
    [
      'length and chunks',
      request('POST / HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
      400,
    ],
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['a header beyond the limit', request('GET / HTTP/1.1', 'Host: a', `X: ${'x'.repeat(20_000)}`), 431],
    [
      'a circle',
      request('GET / HTTP/1.1', 'Host: a', ...Array.from({ length: 8 }, () => 'Via: 1.1 strata')),
      508,
    ],
    ['an expectation that nobody knows', request('GET / HTTP/1.1', 'Host: a', 'Expect: miracles'), 417],
  ])('%s', async (_what, text, status) => {
    const { origin, proxy } = await behind(ok)
    const got = await sendBytes(proxy.port, text)
    expect(got).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(got).toMatch(/^X-Cache: BYPASS\r$/m)
    expect(got).toMatch(/^Cache-Status: strata; detail=STRATA_/m)
    const body = JSON.parse(got.slice(got.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>
    expect(body).toMatchObject({ status, code: expect.stringMatching(/^STRATA_/) as unknown })
    expect(got).not.toMatch(/\bat .*\.(ts|js):\d+/)
    expect(origin.requests).toHaveLength(0)
    if (status === 405) expect(got).toMatch(/^Allow: GET, HEAD/m)
  })
})
