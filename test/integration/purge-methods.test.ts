import { createServer, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import type { StrataOptions } from '../../src/index.js'
import { startInProcessProxy, type InProcessProxy } from '../support/in-process-proxy.js'
import { closeAll, listen, onClose, openStrata } from '../support/mounted-strata.js'

const TOKEN = 'a-token-for-the-admin'
const auth = { authorization: `Bearer ${TOKEN}` }
afterEach(closeAll)

interface Got {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Record<string, unknown>
  readonly cache: string
}

function send(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const req = httpRequest({ port, host: '127.0.0.1', method, path, headers }, res => {
      let text = ''
      res.setEncoding('utf8').on('data', (part: string) => (text += part))
      res.on('end', () => {
        const isJson = /json/.test(res.headers['content-type'] ?? '')
        const body = isJson ? (JSON.parse(text) as Record<string, unknown>) : {}
        const cache = String(res.headers['x-cache'] ?? '').split(' ')[0]!
        resolve({ status: res.statusCode!, headers: res.headers, body, cache })
      })
    })
    req.on('error', reject).end()
  })
}

/** node:http's client does not know BAN either. */
function ban(port: number, fields: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (part: string) => (text += part))
    socket.on('error', reject)
    socket.on('close', () => resolve({ status: Number(text.split(' ')[1]), text }))
    const lines = Object.entries({ Host: 'localhost', ...fields }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    socket.write(`BAN / HTTP/1.1\r\n${lines.join('')}\r\n`)
  })
}

const PATHS = ['/tiles/a.png', '/tiles/b.png', '/api/x?q=1'] as const

/** Answers with tags, and variants by Accept-Language. */
async function origin(): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = []
  const server = createServer((req, res) => {
    seen.push(`${req.method} ${req.url}`)
    res.setHeader('Cache-Control', 'max-age=600').setHeader('Vary', 'Accept-Language')
    res.setHeader('Surrogate-Key', req.url!.startsWith('/tiles') ? 'tiles all' : 'api all')
    res.end(req.url)
  })
  const port = await new Promise<number>(resolve =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  )
  onClose(() => {
    server.closeAllConnections()
    return new Promise<void>(resolve => server.close(() => resolve()))
  })
  return { url: `http://127.0.0.1:${port}`, seen }
}

async function proxy(admin: StrataOptions['admin']): Promise<InProcessProxy & { seen: string[] }> {
  const { url, seen } = await origin()
  const running = await startInProcessProxy({ origin: url, admin })
  onClose(() => running.close())
  return { ...running, seen }
}

async function fill(port: number): Promise<void> {
  for (const path of PATHS) {
    await send(port, 'GET', path)
    expect((await send(port, 'GET', path)).cache).toBe('HIT')
  }
}

async function states(port: number): Promise<string[]> {
  return Promise.all(PATHS.map(async path => (await send(port, 'GET', path)).cache))
}

describe('PURGE through the proxy', () => {
  let strata: InProcessProxy & { seen: string[] }
  beforeEach(async () => {
    strata = await proxy({ token: TOKEN, methods: { purge: true } })
    await fill(strata.port)
  })

  test('takes this URL with all its variants, and nothing else', async () => {
    await send(strata.port, 'GET', '/tiles/a.png', { 'accept-language': 'de' })
    const purged = await send(strata.port, 'PURGE', '/tiles/a.png', auth)
    expect(purged).toMatchObject({ status: 200, body: { effective: true, matched: 2, soft: false } })
    expect(await states(strata.port)).toEqual(['MISS', 'HIT', 'HIT'])
    expect((await send(strata.port, 'GET', '/tiles/a.png', { 'accept-language': 'de' })).cache).toBe('MISS')
    expect(strata.seen.filter(line => line.startsWith('PURGE'))).toEqual([])
  })

  test('the query is part of the URL', async () => {
    expect((await send(strata.port, 'PURGE', '/api/x', auth)).body).toMatchObject({ matched: 0 })
    expect((await send(strata.port, 'PURGE', '/api/x?q=1', auth)).body).toMatchObject({ matched: 1 })
  })

  test('another Host is another site', async () => {
    const other = { ...auth, host: 'elsewhere.example' }
    expect((await send(strata.port, 'PURGE', '/tiles/a.png', other)).body).toMatchObject({ matched: 0 })
    expect(await states(strata.port)).toEqual(['HIT', 'HIT', 'HIT'])
  })

  test.each(['surrogate-key', 'xkey', 'cache-tag'])('by tags in %s', async name => {
    const { body } = await send(strata.port, 'PURGE', '/', { ...auth, [name]: 'tiles' })
    expect(body).toMatchObject({ matched: 2 })
    expect(await states(strata.port)).toEqual(['MISS', 'MISS', 'HIT'])
  })

  test.each(['soft-purge', 'fastly-soft-purge'])('%s: stale, not gone', async name => {
    const { body } = await send(strata.port, 'PURGE', '/tiles/a.png', { ...auth, [name]: '1' })
    expect(body).toMatchObject({ soft: true, matched: 1 })
    expect((await states(strata.port)).slice(1)).toEqual(['HIT', 'HIT'])
  })

  test.each([
    ['no token', {}],
    ['a wrong one', { authorization: 'Bearer wrong-wrong' }],
  ])('with %s: 401, and nothing is done', async (_, headers) => {
    const { status, headers: fields } = await send(strata.port, 'PURGE', '/tiles/a.png', headers)
    expect(status).toBe(401)
    expect(fields['www-authenticate']).toMatch(/^Bearer realm="strata"/)
    expect(await states(strata.port)).toEqual(['HIT', 'HIT', 'HIT'])
    expect(strata.seen).toHaveLength(3)
  })

  test('what cannot be is refused', async () => {
    const { status, body } = await send(strata.port, 'PURGE', '*', auth)
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'STRATA_BAD_REQUEST' })
  })
})

test('without a token PURGE is for this machine alone', async () => {
  const strata = await proxy({ methods: { purge: true } })
  await fill(strata.port)
  const far = await send(strata.port, 'PURGE', '/tiles/a.png', { 'x-forwarded-for': '192.0.2.1' })
  expect(far.status).toBe(403)
  expect(await states(strata.port)).toEqual(['HIT', 'HIT', 'HIT'])
  expect((await send(strata.port, 'PURGE', '/tiles/a.png')).body).toMatchObject({ matched: 1 })
})

test('switched off: 405, and neither the cache nor the origin hears of it', async () => {
  const strata = await proxy({ token: TOKEN })
  await fill(strata.port)
  expect((await send(strata.port, 'PURGE', '/tiles/a.png', auth)).status).toBe(405)
  expect((await ban(strata.port, { 'X-Ban-Url': '/**', Authorization: auth.authorization })).status).toBe(405)
  expect(await states(strata.port)).toEqual(['HIT', 'HIT', 'HIT'])
  expect(strata.seen).toHaveLength(3)
})

describe('BAN through the proxy', () => {
  test.each<[Record<string, string>, string[]]>([
    [{ 'X-Ban-Url': '/tiles/**' }, ['MISS', 'MISS', 'HIT']],
    [{ 'X-Ban-Url': '/tiles/a*', 'Surrogate-Key': 'tiles' }, ['MISS', 'HIT', 'HIT']],
    [{ 'X-Ban-Url': '/tiles/a*', 'Surrogate-Key': 'api' }, ['HIT', 'HIT', 'HIT']],
    [{ xkey: 'api nothing' }, ['HIT', 'HIT', 'MISS']],
    [{ 'X-Ban-Host': '127.0.0.1' }, ['MISS', 'MISS', 'MISS']],
    [{ 'X-Ban-Host': 'elsewhere' }, ['HIT', 'HIT', 'HIT']],
  ])('%j', async (fields, expected) => {
    const strata = await proxy({ token: TOKEN, methods: { ban: true } })
    await fill(strata.port)
    const { status, text } = await ban(strata.port, { Authorization: auth.authorization, ...fields })
    expect({ status, text }).toMatchObject({ status: 200, text: expect.stringContaining('"effective":true') })
    expect(await states(strata.port)).toEqual(expected)
  })

  test.each<[string, Record<string, string>, number]>([
    ['no token', { 'X-Ban-Url': '/**' }, 401],
    ['nothing to be about', { Authorization: auth.authorization }, 400],
    ['a pattern that cannot be', { Authorization: auth.authorization, 'X-Ban-Url': '(' }, 400],
  ])('%s: nothing is done', async (_, fields, status) => {
    const strata = await proxy({ token: TOKEN, methods: { ban: true } })
    await fill(strata.port)
    expect((await ban(strata.port, fields)).status).toBe(status)
    expect(await states(strata.port)).toEqual(['HIT', 'HIT', 'HIT'])
  })
})

describe('PURGE through the middleware', () => {
  const mounted = async (admin: StrataOptions['admin']) => {
    const strata = await openStrata({ admin, defaults: { ttl: 600 } })
    const seen: string[] = []
    const app = express()
    app.use(strata.middleware())
    app.use((req, res) => {
      seen.push(req.method)
      res.send('from the app')
    })
    return { port: await listen(app), seen }
  }

  test('switched on: purges, for those who may', async () => {
    const { port, seen } = await mounted({ token: TOKEN, methods: { purge: true } })
    await send(port, 'GET', '/x')
    expect((await send(port, 'GET', '/x')).cache).toBe('HIT')
    expect((await send(port, 'PURGE', '/x')).status).toBe(401)
    expect((await send(port, 'GET', '/x')).cache).toBe('HIT')
    expect(await send(port, 'PURGE', '/x', auth)).toMatchObject({ status: 200, body: { matched: 1 } })
    expect((await send(port, 'GET', '/x')).cache).toBe('MISS')
    expect(seen).toEqual(['GET', 'GET'])
  })

  test('switched off: passed on to the application', async () => {
    const { port, seen } = await mounted({})
    expect((await send(port, 'PURGE', '/x')).status).toBe(200)
    expect(seen).toEqual(['PURGE'])
  })
})
