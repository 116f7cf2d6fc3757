import { afterEach, describe, expect, test } from '@jest/globals'
import express, { type Response } from 'express'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { rawRequest } from '../../support/raw-client.js'
import { closeAll, gate, listen, onClose, openStrata, until } from '../../support/mounted-strata.js'

afterEach(closeAll)

/** A response whose body is not read yet. */
function open(port: number, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get({ port, path, host: '127.0.0.1', agent: false }, resolve)
    request.on('error', reject)
    onClose(() => request.destroy())
  })
}

test.each([
  ['without caching fields', {}, {}],
  ['under a rule with a ttl', {}, { ttl: 60 }],
  ['with max-age', { 'Cache-Control': 'max-age=60' }, {}],
])(
  'server-sent events %s come one by one, to each client its own, and are not stored',
  async (_name, fields, defaults) => {
    const strata = await openStrata({ defaults })
    const streams: Response[] = []
    const closed: string[] = []
    const app = express()
    app.get('/events', strata.middleware(), (req, res) => {
      res.set({ 'Content-Type': 'text/event-stream', ...fields }).flushHeaders()
      streams.push(res)
      res.on('close', () => closed.push('res'))
      req.on('close', () => closed.push('req'))
    })
    const port = await listen(app)
    const a = await open(port, '/events')
    const b = await open(port, '/events')
    expect(streams.length).toBe(2)
    const [texts, clients] = [
      ['', ''],
      [a, b],
    ]
    clients.forEach((client, i) => client.on('data', chunk => void (texts[i] += String(chunk))))
    for (const n of [1, 2, 3]) {
      streams[0]!.write(`data: ${n}\n\n`)
      await until('the event has come', () => texts[0]!.endsWith(`${n}\n\n`))
    }
    streams[1]!.write('data: own\n\n')
    await until('the other has its event', () => texts[1] === 'data: own\n\n')
    expect(texts[0]).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n')
    expect(closed).toEqual([])
    a.destroy()
    await until('the handler has been told', () => closed.length === 2)
    expect(closed.sort()).toEqual(['req', 'res'])
    streams[1]!.end()
    await until('the other has its end', () => b.complete)
    expect((await strata.operator.status()).entries).toBe(0)
  },
)

async function* oneByOne(chunks: readonly Buffer[]) {
  yield* chunks
}

test('a long body that a handler writes from promise to promise is stored byte for byte', async () => {
  const strata = await openStrata({ backend: 'memory' })
  const chunks = Array.from({ length: 750 }, (_, i) => Buffer.alloc(4_000, `chunk ${i} `))
  const app = express()
  app.get('/long', strata.middleware(), async (_req, res) => {
    res.set({ 'Content-Type': 'text/plain', 'Cache-Control': 'max-age=60' })
    for await (const chunk of oneByOne(chunks)) res.write(chunk)
    res.end()
  })
  const port = await listen(app)
  const fetched = async (headers = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}/long`, { headers })
    return [response.headers.get('x-cache'), Buffer.from(await response.arrayBuffer())] as const
  }
  const body = Buffer.concat(chunks)
  expect((await fetched())[1].equals(body)).toBe(true)
  await until('it is stored', async () => (await strata.operator.status()).entries === 1)
  const [xCache, part] = await fetched({ Range: 'bytes=2000000-2000999' })
  expect(xCache).toBe('HIT')
  expect(part.equals(body.subarray(2_000_000, 2_001_000))).toBe(true)
})

describe('a handler that never answers', () => {
  test('learns that its client has left, where nobody else can have the answer', async () => {
    const strata = await openStrata({ server: { drainTimeoutMs: 1 } })
    const told: string[] = []
    const app = express()
    app.use(strata.middleware())
    app.all('/wait', (req, res) => {
      told.push(`${req.method} came`)
      res.on('close', () => told.push(`${req.method} left`))
    })
    const port = await listen(app)
    for (const [method, cookie] of [
      ['POST', ''],
      ['GET', 'Cookie: a=1\r\n'],
    ] as const) {
      const socket = connect(port, '127.0.0.1')
      socket.write(`${method} /wait HTTP/1.1\r\nHost: h\r\n${cookie}Content-Length: 0\r\n\r\n`)
      await until('the handler runs', () => told.includes(`${method} came`))
      socket.destroy()
      await until('the handler is told', () => told.includes(`${method} left`))
    }
  })

  test('holds its key up for one wait only, and is told when nobody waits any more', async () => {
    const strata = await openStrata({ limits: { followerWaitMs: 50 }, server: { drainTimeoutMs: 1 } })
    let calls = 0
    let told = false
    const app = express()
    app.get('/x', strata.middleware(), (req, res) => {
      if (++calls > 1) return void res.set('Cache-Control', 'max-age=60').send('x')
      req.on('close', () => (told = true))
    })
    const port = await listen(app)
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET /x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
    await until('the handler runs', () => calls === 1)
    socket.destroy()
    const follower = await rawRequest({ port, target: '/x' })
    expect([follower.status, calls]).toEqual([504, 1])
    expect((await rawRequest({ port, target: '/x' })).body.toString()).toBe('x')
    expect(calls).toBe(2)
    await until('the first is told', () => told)
  })
})

test.each([
  ['stored', 'max-age=60'],
  ['not stored', 'no-store'],
])('a slow client holds the handler back (%s)', async (_name, control) => {
  const strata = await openStrata({ limits: { maxBodyBytes: 1024 ** 3 } })
  const CHUNK = Buffer.alloc(64 * 1024, 'x')
  const CHUNKS = 800
  let written = 0
  let waits = 0
  const app = express()
  app.get('/big', strata.middleware(), (_req, res) => {
    res.set('Cache-Control', control)
    const more = () => {
      while (written < CHUNKS) {
        written++
        if (!res.write(CHUNK)) {
          waits++
          return void res.once('drain', more)
        }
      }
      res.end()
    }
    more()
  })
  const port = await listen(app)
  const client = await open(port, '/big')
  client.pause()
  let last = -1
  // Not one more chunk while the event loop went round a hundred times: it is held.
  await until('the handler waits', async () => {
    const before = written
    for (let i = 0; i < 100; i++) await new Promise(resolve => setImmediate(resolve))
    last = written
    return waits > 0 && before === last
  })
  expect(last).toBeLessThan(CHUNKS / 2)
  let bytes = 0
  for await (const chunk of client) bytes += (chunk as Buffer).length
  expect(bytes).toBe(CHUNKS * CHUNK.length)
  expect(waits).toBeGreaterThan(1)
})

test('the head and the first bytes go out at once', async () => {
  const strata = await openStrata()
  const rest = gate()
  const app = express()
  app.get('/x', strata.middleware(), (_req, res) => {
    res.set('Cache-Control', 'max-age=60').write('first')
    void rest.opened.then(() => res.end(', last'))
  })
  const port = await listen(app)
  const answer = await rawRequest({
    port,
    target: '/x',
    onData: text => text.includes('first') && rest.open(),
  })
  expect(answer.body.toString()).toBe('first, last')
  expect((await rawRequest({ port, target: '/x' })).body.toString()).toBe('first, last')
})
