import { afterEach, describe, expect, test } from '@jest/globals'
import express, { type Response } from 'express'
import express4 from 'express4'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, pipeline } from 'node:stream'
import request from 'supertest'
import { rawRequest } from '../../support/raw-client.js'
import { closeAll, gate, listen, openStrata, until } from '../../support/mounted-strata.js'

afterEach(closeAll)

const FRESH = { 'Cache-Control': 'max-age=60' }

/** A client that can leave in the middle. */
function visitor(port: number, target: string) {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', chunk => (received += chunk.toString('latin1')))
  socket.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  return { received: () => received, stopReading: () => socket.pause(), leave: () => socket.destroy() }
}

test('200 requests at once for one cold key: one call of the handler, 200 equal answers', async () => {
  const strata = await openStrata()
  let calls = 0
  let arrived = 0
  const all = gate()
  const app = express()
  app.use((_req, _res, next) => {
    if (++arrived === 200) setImmediate(all.open)
    next()
  })
  app.use(strata.middleware())
  app.get('/x', (_req, res) => {
    calls++
    void all.opened.then(() => res.set(FRESH).json({ calls }))
  })
  const port = await listen(app)
  const answers = await Promise.all(Array.from({ length: 200 }, () => rawRequest({ port, target: '/x' })))
  expect(calls).toBe(1)
  expect(new Set(answers.map(({ status, body }) => `${status} ${body.toString()}`))).toEqual(
    new Set(['200 {"calls":1}']),
  )
  const collapsed = answers.filter(answer => /collapsed/.test(answer.field('cache-status') ?? ''))
  expect(collapsed.length).toBe(199)
})

test('an answer for one alone releases all who wait: each has its own', async () => {
  const strata = await openStrata()
  let calls = 0
  const app = express()
  app.use(strata.middleware())
  app.get('/x', (_req, res) => {
    const mine = ++calls
    setTimeout(() => res.set('Cache-Control', 'max-age=60').cookie('sid', String(mine)).json({ mine }), 20)
  })
  const port = await listen(app)
  const answers = await Promise.all(Array.from({ length: 20 }, () => rawRequest({ port, target: '/x' })))
  expect(calls).toBe(20)
  expect(new Set(answers.map(answer => answer.body.toString())).size).toBe(20)
  for (const answer of answers) {
    const mine = (JSON.parse(answer.body.toString()) as { mine: number }).mine
    expect(answer.values('set-cookie')).toEqual([`sid=${mine}; Path=/`])
  }
})

const SIZE = 2 * 1024 * 1024
/** Ways to send a large body of which the second half waits until `rest` resolves. */
const bodies: Record<string, (res: Response, rest: Promise<void>) => Promise<void> | void> = {
  writes: (res, rest) => {
    res.write(Buffer.alloc(SIZE / 2, 'a'))
    void rest.then(() => res.end(Buffer.alloc(SIZE / 2, 'b')))
  },
  pipes: (res, rest) => {
    const source = new PassThrough()
    source.pipe(res)
    source.write(Buffer.alloc(SIZE / 2, 'a'))
    void rest.then(() => source.end(Buffer.alloc(SIZE / 2, 'b')))
  },
  'uses stream.pipeline': (res, rest) => {
    const source = new PassThrough()
    pipeline(source, res, () => {})
    source.write(Buffer.alloc(SIZE / 2, 'a'))
    void rest.then(() => source.end(Buffer.alloc(SIZE / 2, 'b')))
  },
  'stops when its client leaves': (res, rest) => {
    let stopped = false
    const stop = () => void (stopped = true)
    res.on('close', stop)
    res.req.on('close', stop).on('aborted', stop)
    res.req.socket.on('close', stop)
    res.write(Buffer.alloc(SIZE / 2, 'a'))
    void rest.then(() => {
      if (!stopped && !res.destroyed && !res.req.destroyed) res.end(Buffer.alloc(SIZE / 2, 'b'))
    })
  },
}

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])("in %s the leader's client leaves in mid-body", (_name, make) => {
  test.each(Object.keys(bodies))(
    'a handler that %s: followers get everything, and it is stored',
    async way => {
      const strata = await openStrata({ limits: { flightBufferBytes: SIZE } })
      const rest = gate()
      let calls = 0
      const app = make()
      let left = 0
      app.use((_req, res, next) => {
        res.on('close', () => left++)
        next()
      })
      app.get('/x', strata.middleware(), (_req, res) => {
        calls++
        void bodies[way]!(res.set(FRESH), rest.opened)
      })
      const port = await listen(app)
      const leader = visitor(port, '/x')
      await until('the leader has a part', () => leader.received().includes('aaaa'))
      let begun = false
      const follower = rawRequest({ port, target: '/x', onData: () => void (begun = true) })
      await until('the follower has joined', () => begun)
      leader.leave()
      await until('the server knows that the leader has left', () => left === 1)
      rest.open()
      const answer = await follower
      expect(answer).toMatchObject({ status: 200, complete: true })
      expect(answer.body.length).toBe(SIZE)
      expect(calls).toBe(1)
      const next = await rawRequest({ port, target: '/x' })
      expect([next.field('x-cache'), next.body.equals(answer.body), calls]).toEqual(['HIT', true, 1])
    },
    30_000,
  )

  test('res.sendFile', async () => {
    const strata = await openStrata({ limits: { flightBufferBytes: 16 * SIZE } })
    const file = join(await mkdtemp(join(tmpdir(), 'strata-')), 'large')
    const out = createWriteStream(file)
    for (let i = 0; i < 16 * SIZE; i += 1024 * 1024) out.write(Buffer.alloc(1024 * 1024, 65 + (i >> 20)))
    await new Promise<void>(resolve => out.end(() => resolve()))
    let calls = 0
    const app = make()
    app.get('/x', strata.middleware(), (_req, res) => {
      calls++
      res.sendFile(file, { maxAge: 60_000 })
    })
    const port = await listen(app)
    const leader = visitor(port, '/x')
    await until('the leader has a part', () => leader.received().length > 1000)
    // What it does not read holds the handler back in mid-file.
    leader.stopReading()
    const follower = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ port, path: '/x', host: '127.0.0.1', agent: false }, resolve).on('error', reject)
    })
    leader.leave()
    const chunks: Buffer[] = []
    for await (const chunk of follower) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    expect([follower.statusCode, follower.complete, body.length, calls]).toEqual([200, true, 16 * SIZE, 1])
    let whole = true
    let at = 0
    for await (const chunk of createReadStream(file)) {
      whole &&= (chunk as Buffer).equals(body.subarray(at, (at += (chunk as Buffer).length)))
    }
    expect(whole).toBe(true)
    expect((await rawRequest({ port, target: '/x' })).field('x-cache')).toBe('HIT')
  }, 30_000)

  test('the handler then fails: followers see the cut', async () => {
    const strata = await openStrata()
    const rest = gate()
    const app = make()
    app.get('/x', strata.middleware(), (_req, res, next) => {
      res.set(FRESH).write('begun')
      void rest.opened.then(() => next(new Error('too late')))
    })
    app.use(((_error, _req, _res, next) => next(_error)) as express.ErrorRequestHandler)
    app.set('env', 'test')
    const port = await listen(app)
    const leader = visitor(port, '/x')
    await until('the leader has a part', () => leader.received().includes('begun'))
    let text = ''
    const follower = rawRequest({ port, target: '/x', onData: received => void (text = received) })
    await until('the follower has joined', () => text.includes('begun'))
    leader.leave()
    rest.open()
    expect(await follower).toMatchObject({ status: 200, complete: false })
    expect((await strata.operator.status()).entries).toBe(0)
  })
})

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('stale-while-revalidate in %s', (_name, make) => {
  const answers: Record<string, (res: Response, version: number) => void> = {
    'res.json': (res, version) => void res.json({ version }),
    'a stream': (res, version) => {
      const source = new PassThrough()
      pipeline(source, res.type('json'), () => {})
      setImmediate(() => source.end(JSON.stringify({ version })))
    },
  }
  test.each(Object.keys(answers))(
    'with %s: the stale answer at once, the new one by one call behind it',
    async way => {
      const strata = await openStrata()
      let calls = 0
      const rest = gate()
      const app = make()
      app.use(strata.middleware())
      app.get('/x', (_req, res) => {
        const version = ++calls
        res.set('Cache-Control', version === 1 ? 'max-age=0, stale-while-revalidate=60' : 'max-age=60')
        if (version === 1) answers[way]!(res, version)
        else void rest.opened.then(() => answers[way]!(res, version))
      })
      const web = `http://127.0.0.1:${await listen(app)}`
      const first = await request(web).get('/x').expect(200, { version: 1 })
      expect(first.headers['x-cache']).toBe('MISS')
      for (const _ of [1, 2, 3]) {
        const stale = await request(web).get('/x').expect(200, { version: 1 })
        expect(stale.headers['x-cache']).toBe('STALE')
      }
      await until('the handler runs', () => calls === 2)
      rest.open()
      await until('the new one is there', async () => {
        const { body, headers } = await request(web).get('/x')
        return (body as { version: number }).version === 2 && headers['x-cache'] === 'HIT'
      })
      expect(calls).toBe(2)
      const fresh = await request(web).get('/x')
      if (way === 'res.json') expect(fresh.headers.etag).not.toBe(first.headers.etag)
      expect(fresh.headers['cache-control']).toBe('max-age=60')
    },
  )

  test('a handler that fails in the background cuts no later request on the same connection', async () => {
    const strata = await openStrata()
    let calls = 0
    const app = make()
    app.use(strata.middleware())
    app.get('/x', (_req, res, next) => {
      calls++
      res.set('Cache-Control', 'max-age=0, stale-while-revalidate=60').write('one')
      if (calls === 1) res.end()
      else setImmediate(() => next(new Error('later')))
    })
    app.use(((error, _req, _res, next) => next(error)) as express.ErrorRequestHandler)
    app.set('env', 'test')
    app.get(
      '/y',
      (_req, res) =>
        void until('the refresh ran', () => calls === 2).then(() => setTimeout(() => res.end('y'), 20)),
    )
    const port = await listen(app)
    await rawRequest({ port, target: '/x' })
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.on('data', chunk => (received += chunk.toString()))
    const closed = new Promise(resolve => socket.on('close', resolve))
    socket.write(
      'GET /x HTTP/1.1\r\nHost: 127.0.0.1:' +
        port +
        '\r\n\r\nGET /y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    )
    await closed
    expect(received).toMatch(/X-Cache: STALE[^]*one[^]*HTTP\/1\.1 200 OK[^]*y/)
    expect(calls).toBe(2)
  })
})
