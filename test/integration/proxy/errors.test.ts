import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { head, startByteOrigin, type ByteExchange } from '../../support/byte-origin.js'
import { startInProcessProxy } from '../../support/in-process-proxy.js'
import { rawRequest, type RawResponse } from '../../support/raw-client.js'
import { behind, closeLater, type ProxyOptions } from './proxied.js'

/** An origin that is not there: an error that says so, or the stale answer that is permitted. */

const problem = (got: RawResponse) => JSON.parse(got.body.toString()) as Record<string, unknown>

/** The port of a server that is no more. */
async function deadOrigin(options: ProxyOptions = {}) {
  const gone = await startByteOrigin(() => undefined)
  await gone.stop()
  const proxy = await startInProcessProxy({ origin: gone.url, ...options })
  closeLater(() => proxy.close())
  return { proxy, port: gone.port }
}

function expectProblem(got: RawResponse, status: number, code: string): void {
  expect(got).toMatchObject({ status, complete: true })
  expect(got.field('Content-Type')).toBe('application/problem+json')
  expect(got.field('Cache-Control')).toBe('no-store')
  expect(problem(got)).toMatchObject({ status, code })
  expect(got.field('Cache-Status')).toMatch(new RegExp(`^strata; .*detail=${code}`))
}

describe('an origin that can’t be reached', () => {
  test('GET: 502 as problem JSON, MISS', async () => {
    const { proxy } = await deadOrigin()
    const got = await rawRequest({ port: proxy.port, target: '/a' })
    expectProblem(got, 502, 'STRATA_ORIGIN_UNREACHABLE')
    expect(got.field('X-Cache')).toBe('MISS')
    expect(got.field('Cache-Status')).toContain('fwd=uri-miss')
  })

  test('HEAD has no content, POST is a BYPASS', async () => {
    const { proxy } = await deadOrigin()
    const headOnly = await rawRequest({ port: proxy.port, method: 'HEAD', target: '/a' })
    expect(headOnly).toMatchObject({ status: 502, complete: true })
    const post = await rawRequest({ port: proxy.port, method: 'POST', target: '/a', body: 'x' })
    expectProblem(post, 502, 'STRATA_ORIGIN_UNREACHABLE')
    expect(post.field('X-Cache')).toBe('BYPASS')
  })

  test('a name that nobody knows: 502', async () => {
    const proxy = await startInProcessProxy({ origin: 'http://origin.invalid' })
    closeLater(() => proxy.close())
    expectProblem(await rawRequest({ port: proxy.port, target: '/a' }), 502, 'STRATA_ORIGIN_UNREACHABLE')
  })

  test('the error is not remembered: the next request is served as soon as it is back', async () => {
    const { proxy, port } = await deadOrigin()
    expect((await rawRequest({ port: proxy.port, target: '/a' })).status).toBe(502)
    const { createServer } = await import('node:http')
    const server = createServer((_req, res) => res.end('back')).listen(port, '127.0.0.1')
    closeLater(
      () =>
        new Promise(resolve => {
          server.closeAllConnections()
          server.close(resolve)
        }),
    )
    const got = await rawRequest({ port: proxy.port, target: '/a' })
    expect(got.status).toBe(200)
    expect(got.body.toString()).toBe('back')
  })
})

describe('an origin that takes too long', () => {
  const silent = () => undefined
  test('silent: 504', async () => {
    const { proxy } = await behind(silent, { proxy: { headersTimeoutMs: 100 } })
    const got = await rawRequest({ port: proxy.port, target: '/a' })
    expectProblem(got, 504, 'STRATA_ORIGIN_TIMEOUT')
    expect(got.field('X-Cache')).toBe('MISS')
  })

  test('a follower waits no longer than its limit: 504, and the leader goes on', async () => {
    let answer = () => {}
    const { origin, proxy } = await behind(
      ({ socket }) => {
        answer = () => void socket.write(head(200, 'Cache-Control: max-age=60', 'Content-Length: 4') + 'late')
      },
      { limits: { followerWaitMs: 50 } },
    )
    const leader = rawRequest({ port: proxy.port, target: '/a' })
    await origin.asked(1)
    const follower = await rawRequest({ port: proxy.port, target: '/a' })
    expectProblem(follower, 504, 'STRATA_ORIGIN_TIMEOUT')
    answer()
    expect((await leader).body.toString()).toBe('late')
    expect(origin.requests).toHaveLength(1)
  })

  test('who comes too late to join a long answer waits no longer than that either, then asks for itself; others join it', async () => {
    const BUFFER = 65_536
    const long = Buffer.alloc(4 * BUFFER, 'x')
    let finish = () => {}
    const { origin, proxy } = await behind(
      ({ socket }) => {
        socket.write(head(200, 'Cache-Control: max-age=60', `Content-Length: ${long.length}`))
        if (origin.requests.length > 1) return void socket.write(long)
        socket.write(long.subarray(1))
        finish = () => void socket.write(long.subarray(0, 1))
      },
      { limits: { followerWaitMs: 50, flightBufferBytes: BUFFER } },
    )
    const [leader] = (await once(get({ host: '127.0.0.1', port: proxy.port, path: '/a' }), 'response')) as [
      IncomingMessage,
    ]
    const chunks: Buffer[] = []
    const received = () => chunks.reduce((sum, { length }) => sum + length, 0)
    leader.on('data', (chunk: Buffer) => chunks.push(chunk))
    while (received() < long.length - 1) await once(leader, 'data')
    const late = await Promise.all([1, 2, 3].map(() => rawRequest({ port: proxy.port, target: '/a' })))
    for (const { status, body } of late) expect([status, body.length]).toEqual([200, long.length])
    finish()
    await once(leader, 'end')
    expect(Buffer.concat(chunks).equals(long)).toBe(true)
    expect(origin.requests.length).toBeLessThanOrEqual(4)
  })
})

describe('stale-if-error', () => {
  const stale = ['Cache-Control: max-age=1, stale-if-error=3600', 'Age: 100', 'Content-Length: 3']
  const failures: Record<string, [(x: ByteExchange) => void, ProxyOptions?]> = {
    'closes at once': [({ socket }) => void socket.destroy()],
    'answers 503': [({ socket }) => void socket.write(head(503, 'Content-Length: 4') + 'down')],
    'says nothing': [() => undefined, { proxy: { headersTimeoutMs: 100 } }],
    'speaks another language': [({ socket }) => void socket.end('220 mail\r\n')],
  }
  test.each(Object.entries(failures))('an origin that %s: STALE', async (_what, [fail, options]) => {
    let works = true
    const { proxy } = await behind(
      x => (works ? void x.socket.write(head(200, ...stale) + 'old') : fail(x)),
      options,
    )
    await rawRequest({ port: proxy.port, target: '/a' })
    works = false
    const got = await rawRequest({ port: proxy.port, target: '/a' })
    expect(got).toMatchObject({ status: 200, complete: true })
    expect(got.body.toString()).toBe('old')
    expect(got.field('X-Cache')).toBe('STALE')
    expect(Number(got.field('Age'))).toBeGreaterThanOrEqual(100)
    expect(got.field('Cache-Status')).toMatch(/^strata; hit; ttl=-\d+/)
  })

  test('not permitted: the error', async () => {
    let works = true
    const { proxy } = await behind(({ socket }) => {
      if (works)
        socket.write(
          head(200, 'Cache-Control: max-age=1, must-revalidate', 'Age: 100', 'Content-Length: 3') + 'old',
        )
      else socket.destroy()
    })
    await rawRequest({ port: proxy.port, target: '/a' })
    works = false
    const got = await rawRequest({ port: proxy.port, target: '/a' })
    expect([502, 504]).toContain(got.status)
    expect(got.body.toString()).not.toContain('old')
  })
})
