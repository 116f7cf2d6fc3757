import { afterEach, describe, expect, jest, test } from '@jest/globals'
import express from 'express'
import express4 from 'express4'
import { connect } from 'node:net'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import request from 'supertest'
import { createStrata } from '../../../src/index.js'
import { rawRequest } from '../../support/raw-client.js'
import { closeAll, listen, openStrata, until } from '../../support/mounted-strata.js'

afterEach(closeAll)

/** All that comes for these bytes, until the server closes the connection. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let received = ''
    socket.on('data', chunk => (received += chunk.toString('latin1')))
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
}

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('%s', (_name, make) => {
  test('on a router, on a route and in front of the app: one key, the original URL', async () => {
    const strata = await openStrata()
    let calls = 0
    const handler = jest.fn((_req: express.Request, res: express.Response) => {
      res.set('Cache-Control', 'max-age=60').send(String(++calls))
    })
    const router = make.Router()
    router.get('/x', handler)
    const app = make()
    app.use('/api', strata.middleware(), router)
    app.get('/x', strata.middleware(), handler)
    const port = await listen(app)
    for (const cache of ['MISS', 'HIT']) {
      expect((await rawRequest({ port, target: '/api/x' })).field('x-cache')).toBe(cache)
      expect((await rawRequest({ port, target: '/x' })).field('x-cache')).toBe(cache)
    }
    expect(handler).toHaveBeenCalledTimes(2)
    const { keys } = await strata.operator.keys({ limit: 10 })
    expect(keys.map(({ url }) => new URL(url).pathname).sort()).toEqual(['/api/x', '/x'])
  })

  test('in front of the whole app and once more within: no request waits for itself, and a hit never enters the app', async () => {
    const strata = await openStrata()
    const app = make()
    let entered = 0
    app.use((_req, _res, next) => {
      entered++
      next()
    })
    app.use(strata.middleware(), strata.middleware())
    app.get('/x', (_req, res) => void res.set('Cache-Control', 'max-age=60').send('x'))
    const port = await listen(strata.handler(app))
    expect((await rawRequest({ port, target: '/x' })).field('x-cache')).toBe('MISS')
    expect((await rawRequest({ port, target: '/x' })).field('x-cache')).toBe('HIT')
    expect(entered).toBe(1)
  })

  test('two caches, one behind the other', async () => {
    const [outer, inner] = [await openStrata(), await openStrata()]
    const app = make()
    app.use(outer.middleware(), inner.middleware())
    app.get('/x', (_req, res) => void res.set('Cache-Control', 'max-age=60').send('x'))
    const port = await listen(app)
    for (const cache of ['MISS', 'HIT']) {
      const answer = await rawRequest({ port, target: '/x' })
      expect([answer.body.toString(), answer.values('x-cache').at(-1)]).toEqual(['x', cache])
    }
    expect((await outer.operator.status()).entries).toBe(1)
  })

  test('the handler sees the query that the key holds', async () => {
    const strata = await openStrata({
      rules: [
        { match: '/ignored/**', query: { ignore: ['utm_*', 'filter[[]b[]]'] } },
        { match: '/sorted/**', query: { sort: true } },
        { match: '/allowed/**', query: { allow: ['a'] } },
      ],
    })
    const seen: unknown[] = []
    const router = make.Router()
    router.get('/x', (req, res) => {
      seen.push([req.originalUrl, req.url, req.query])
      res.set('Cache-Control', 'max-age=60').send('x')
    })
    const app = make()
    app.set('query parser', 'extended')
    app.use('/:kind', strata.middleware(), router)
    const port = await listen(app)
    const ask = async (target: string) => (await rawRequest({ port, target })).field('x-cache')
    expect(await ask('/ignored/x?utm_source=m&filter[a]=1&filter[b]=2')).toBe('MISS')
    expect(await ask('/ignored/x?filter[a]=1')).toBe('HIT')
    expect(await ask('/ignored/x?utm_a=1')).toBe('MISS')
    expect(await ask('/sorted/x?b=2&a=1&b=1')).toBe('MISS')
    expect(await ask('/sorted/x?a=1&b=2&b=1')).toBe('HIT')
    expect(await ask('/allowed/x?c=2&a=1')).toBe('MISS')
    expect(await ask(`http://127.0.0.1:${port}/allowed/x?a=2&c=2`)).toBe('MISS')
    expect(seen.slice(0, 4)).toEqual([
      ['/ignored/x?filter[a]=1', '/x?filter[a]=1', { filter: { a: '1' } }],
      ['/ignored/x', '/x', {}],
      ['/sorted/x?a=1&b=2&b=1', '/x?a=1&b=2&b=1', { a: '1', b: ['2', '1'] }],
      ['/allowed/x?a=1', '/x?a=1', { a: '1' }],
    ])
    expect((seen[4] as unknown[])[2]).toEqual({ a: '2' })
  })

  test('admin routes purge what the middleware has stored', async () => {
    const strata = await openStrata()
    const app = make()
    app.use('/admin/cache', strata.admin({ token: 'correct-horse' }))
    app.use(strata.middleware())
    app.get('/x', (_req, res) => void res.set('Cache-Control', 'max-age=60').send('x'))
    const web = `http://127.0.0.1:${await listen(app)}`
    const cache = async () => (await request(web).get('/x').expect(200)).headers['x-cache']
    expect([await cache(), await cache()]).toEqual(['MISS', 'HIT'])
    await request(web).post('/admin/cache/invalidate').send({ all: true, confirm: true }).expect(401)
    expect(await cache()).toBe('HIT')
    const api = () =>
      request(web).post('/admin/cache/invalidate').set('Authorization', 'Bearer correct-horse')
    await api()
      .send({ prefix: `${web}/x` })
      .expect(200)
    expect(await cache()).toBe('MISS')
    const status = await request(web)
      .get('/admin/cache/status')
      .set('Authorization', 'Bearer correct-horse')
      .expect(200)
    expect(status.body).toMatchObject({ backend: 'memory' })
  })

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])(
    '%s invalidates before its client has the answer',
    async method => {
      const strata = await openStrata()
      let version = 1
      const app = make()
      app.use(make.json(), strata.middleware())
      app
        .route('/x')
        .get((_req, res) => void res.set('Cache-Control', 'max-age=60').send(String(version)))
        .all((req, res) => {
          version++
          res
            .status((req.body as { ok?: boolean }).ok === true ? 200 : 422)
            .json({ got: req.body as unknown })
        })
      const port = await listen(app)
      const get = async () => (await rawRequest({ port, target: '/x' })).body.toString()
      const send = (body: string) =>
        rawRequest({ port, target: '/x', method, body, fields: [['Content-Type', 'application/json']] })
      expect([await get(), await get()]).toEqual(['1', '1'])
      const refused = await send('{"ok":false}')
      expect([refused.status, await get()]).toEqual([422, '1'])
      const sent = await send('{"ok":true}')
      expect([sent.status, sent.body.toString()]).toEqual([200, '{"got":{"ok":true}}'])
      expect(await get()).toBe('3')
    },
  )

  test.each(['before', 'after'])('request bodies are read by express.json() %s Strata', async where => {
    const strata = await openStrata()
    const app = make()
    if (where === 'before') app.use(make.json({ limit: '8mb' }))
    app.use(strata.middleware())
    if (where === 'after') app.use(make.json({ limit: '8mb' }))
    app.all('/x', (req, res) => void res.json({ length: (req.body as { text?: string }).text?.length }))
    const port = await listen(app)
    const body = JSON.stringify({ text: 'x'.repeat(3_000_000) })
    for (const method of ['POST', 'GET']) {
      const answer = await rawRequest({
        port,
        target: '/x',
        method,
        body,
        fields: [['Content-Type', 'application/json']],
      })
      expect([answer.status, answer.body.toString()]).toEqual([200, '{"length":3000000}'])
    }
  })

  test('pipelined requests are answered in order, whatever became of each', async () => {
    const strata = await openStrata()
    const app = make()
    app.use(strata.middleware())
    app.get(
      '/slow',
      (_req, res) => void setTimeout(() => res.set('Cache-Control', 'max-age=60').send('slow'), 50),
    )
    app.get('/quick', (_req, res) => void res.set('Cache-Control', 'max-age=60').send('quick'))
    app.get(
      '/stale',
      (_req, res) => void res.set('Cache-Control', 'max-age=0, stale-while-revalidate=60').send('stale'),
    )
    app.all('/body', (_req, res) => void res.send('unread'))
    const port = await listen(app)
    await exchange(port, 'GET /stale HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    const requests = [
      'GET /slow HTTP/1.1\r\nHost: h\r\n\r\n',
      'GET /quick HTTP/1.1\r\nHost: h\r\n\r\n',
      'GET /stale HTTP/1.1\r\nHost: h\r\n\r\n',
      'GET /quick HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc',
      'POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      'HEAD /slow HTTP/1.1\r\nHost: h\r\n\r\n',
      'GET /quick HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    ]
    for (const _round of [1, 2]) {
      const received = await exchange(port, requests.join(''))
      const bodies = received
        .split(/HTTP\/1\.1 200 OK\r\n/)
        .slice(1)
        .map(text => text.slice(text.indexOf('\r\n\r\n') + 4))
      expect(bodies).toEqual(['slow', 'quick', 'stale', 'quick', 'unread', '', 'quick'])
    }
  })
})

test('bad settings: every fault with its path, and nothing stays open', async () => {
  const fault = createStrata({
    backend: 'memory',
    rules: [{ match: '/x', ttl: -1 }],
    limits: { maxVariants: 0 },
    nonsense: 1,
  } as never)
  await expect(fault).rejects.toMatchObject({ name: 'ConfigError', code: 'STRATA_CONFIG' })
  const message = await fault.catch((error: Error) => error.message)
  for (const path of ['rules', 'ttl', 'limits.maxVariants', 'nonsense']) expect(message).toContain(path)
  const after = await createStrata({ backend: 'memory' })
  await after.close()
})

test('two caches on one folder in one process share what they hold', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'strata-'))
  const [a, b] = [
    await openStrata({ backend: 'embedded', dataDir }),
    await openStrata({ backend: 'embedded', dataDir }),
  ]
  let calls = 0
  const handler = (_req: unknown, res: import('node:http').ServerResponse) => {
    calls++
    res.setHeader('Cache-Control', 'max-age=60').end('x')
  }
  const ports = [await listen(a.handler(handler)), await listen(b.handler(handler))]
  const answers = []
  for (const port of [ports[0]!, ports[1]!, ports[0]!]) {
    const text = `GET /x HTTP/1.1\r\nHost: same\r\nConnection: close\r\n\r\n`
    await until(
      'what was fetched is stored',
      async () => calls === 0 || (await b.operator.status()).entries === 1,
    )
    answers.push(/X-Cache: (\w+)/.exec(await exchange(port, text))?.[1])
  }
  expect([answers, calls]).toEqual([['MISS', 'HIT', 'HIT'], 1])
})
