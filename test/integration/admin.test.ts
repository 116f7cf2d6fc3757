import { afterEach, describe, expect, jest, test } from '@jest/globals'
import express from 'express'
import express4 from 'express4'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import request from 'supertest'
import type { OperatorParts } from '../../src/engine/operator.js'
import { Access, type AccessOptions } from '../../src/server/access/access.js'
import { adminRouter, type AdminOptions } from '../../src/server/admin/index.js'
import { sampleBody, sampleKey } from '../support/entries.js'
import { memoryAudit } from '../support/audited.js'
import { operatedCache } from '../support/operated-cache.js'

type Handler = (req: IncomingMessage, res: ServerResponse) => void

const mounts: Record<string, (router: ReturnType<typeof adminRouter>) => Handler> = {
  'Express 5': router => express().use('/admin/cache', router),
  'Express 4': router => express4().use('/admin/cache', router),
  'Express 4 with a body parser': router =>
    express4().use(express4.json(), express4.text()).use('/admin/cache', router),
  'node:http': router => (req, res) => {
    req.url = req.url!.slice('/admin/cache'.length)
    router(req as never, res as never, () => res.end('passed on'))
  },
}

const TOKEN = 'correct horse battery staple'.replaceAll(' ', '-')
const health = {
  live: () => ({ ok: true, checks: {} }),
  ready: async () => ({ ok: false, checks: { redis: { ok: false, reason: 'refused' } } }),
}

async function admin(
  options: Partial<AccessOptions> = {},
  mount = mounts['Express 5']!,
  parts: Partial<OperatorParts> = {},
) {
  const cache = await operatedCache(parts)
  const onRequest = jest.fn<NonNullable<AdminOptions['onRequest']>>()
  const access = new Access({ trustLoopback: true, ...options })
  const router = adminRouter({
    operator: cache.operator,
    health,
    access,
    audit: memoryAudit().audit,
    onRequest,
  })
  const handler = mount(router)
  const api = (method: 'get' | 'post' | 'delete' | 'put' | 'head' | 'options', path: string) =>
    request(handler)[method](`/admin/cache${path}`)
  return { ...cache, handler, api, onRequest }
}

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listen(handler: Handler): Promise<number> {
  const server = createServer(handler)
  closing.push(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

describe.each(Object.keys(mounts))('in %s', name => {
  const mount = mounts[name]!

  test('status, stats and keys', async () => {
    const { api, fill, stats } = await admin({}, mount)
    await fill('a', { tags: ['t'] })
    await fill('b')
    stats.hits = 1
    const status = await api('get', '/status').expect(200)
    expect(status.body).toMatchObject({ backend: 'memory', entries: 2, hits: 1, hitRatio: 1 })
    expect(status.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    expect(status.headers).not.toHaveProperty('access-control-allow-origin')
    expect((await api('get', '/stats').expect(200)).body).toMatchObject({ hits: 1, misses: 0 })
    const { body } = await api('get', '/keys?tag=t&pattern=').expect(200)
    expect(body.keys).toMatchObject([{ url: 'http://h/a', key: sampleKey('a'), ttl: 50, hits: 0 }])
    expect((await api('get', `/keys/${sampleKey('a')}`).expect(200)).body).toMatchObject({
      variants: [{ tags: ['t'] }],
    })
    await api('head', '/status').expect(200)
  })

  test('purge by key, with DELETE and with POST', async () => {
    const { api, fill, metadata } = await admin({}, mount)
    await fill('a')
    await fill('a', { variant: 'v', body: sampleBody('v') })
    await fill('b')
    const gone = await api('delete', `/keys/${sampleKey('a')}`).expect(200)
    expect(gone.body).toMatchObject({ seq: 1, effective: true, matched: 2, sweeping: false, pending: [] })
    await api('get', `/keys/${sampleKey('a')}`).expect(404)
    expect((await api('post', `/invalidate/key/${sampleKey('b')}`).expect(200)).body).toMatchObject({
      matched: 1,
    })
    expect((await metadata.usage()).entries).toBe(0)
    for (const unknown of [sampleKey('a'), 'nope', '%2e%2e']) {
      const { body } = await api('delete', `/keys/${unknown}`)
        .expect(404)
        .expect('content-type', /application\/problem\+json/)
      expect(body).toMatchObject({ status: 404, code: 'STRATA_NOT_FOUND', title: 'Not Found' })
      await api('post', `/invalidate/key/${unknown}`).expect(404)
    }
  })

  test.each([
    ['/tiles/*.png', 2],
    ['%2Ftiles%2F*.png', 2],
    ['tiles/**', 3],
    ['http://h/tiles/{a,c}.*', 1],
    ['http%3A%2F%2Fh%2F**', 4],
    ['**/*.png', 2],
    ['/tiles/%3F.png', 2],
    ['/none/**', 0],
  ])('purge by pattern %s', async (pattern, matched) => {
    const { api, fill, metadata } = await admin({}, mount)
    for (const path of ['tiles/a.png', 'tiles/b.png', 'tiles/sub/c.jpg', 'api/x?y=1']) await fill(path)
    const dry = await api('post', `/invalidate/pattern/${pattern}?dryRun=true`).expect(200)
    expect(dry.body).toMatchObject({ dryRun: true, matched })
    expect((await metadata.usage()).entries).toBe(4)
    const { body } = await api('post', `/invalidate/pattern/${pattern}`).expect(200)
    expect(body).toMatchObject({ effective: true, matched })
    expect((await metadata.usage()).entries).toBe(4 - matched)
  })

  test.each<[object, number]>([
    [{ keys: [sampleKey('x/a')] }, 1],
    [{ urls: ['http://h/x/a', '/y'] }, 2],
    [{ patterns: ['/x/*'] }, 2],
    [{ tags: ['t'] }, 2],
    [{ prefix: '/x/' }, 2],
    [{ all: true, confirm: true }, 3],
    [{ tags: ['t'], prefix: '/x/' }, 1],
    [{ olderThan: '2030-01-01T00:00:00Z', host: 'h' }, 3],
    [{ pattern: '/x/*', host: 'h', tag: 't', contentType: 'image/*', status: 200, minBytes: 3 }, 1],
    [{ pattern: '/x/*', host: 'h', tag: 't', contentType: 'image/*', status: 200, minBytes: 4 }, 0],
    [{ patterns: ['/x/*', '/y'], olderThan: '2026-01-01T00:00:00.001Z', tag: 't' }, 2],
    [{ patterns: ['/x/*'], status: 404 }, 0],
  ])('purge by body %j', async (body, matched) => {
    const { api, fill, metadata } = await admin({}, mount)
    await fill('x/a', { tags: ['t'] })
    await fill('x/b')
    await fill('y', { tags: ['t'] })
    const dry = await api('post', '/invalidate')
      .send({ ...body, dryRun: true })
      .expect(200)
    expect(dry.body).toMatchObject({ dryRun: true, matched, complete: true })
    expect(dry.body.sample).toHaveLength(matched)
    expect((await api('post', '/invalidate').send(body).expect(200)).body).toMatchObject({
      effective: true,
      matched,
    })
    expect((await metadata.usage()).entries).toBe(3 - matched)
  })

  test('a pattern of more than 256 characters: 400 that names the limit, and nothing is done', async () => {
    const { api, fence } = await admin({}, mount)
    const long = `/${'a'.repeat(254)}/*`
    for (const body of [{ patterns: ['/ok', long] }, { pattern: long }]) {
      const { faults } = (await api('post', '/invalidate').send(body).expect(400)).body
      expect(faults).toMatchObject([{ message: 'the pattern is longer than 256 characters' }])
    }
    await api('post', `/invalidate/pattern/b${long.slice(1)}`).expect(400)
    await api('post', '/invalidate')
      .send({ pattern: long.slice(1) })
      .expect(200)
    expect(fence.state().seq).toBe(1)
  })

  test('soft purge keeps the entry', async () => {
    const { api, fill } = await admin({}, mount)
    await fill('a', { tags: ['t'] })
    expect(
      (
        await api('post', '/invalidate')
          .send({ tags: ['t'], soft: true })
          .expect(200)
      ).body,
    ).toMatchObject({ matched: 1, soft: true })
    expect((await api('get', '/keys').expect(200)).body.keys).toMatchObject([{ state: 'purged-soft' }])
    await api('post', `/invalidate/key/${sampleKey('a')}?soft=true`).expect(200)
    await api('get', `/keys/${sampleKey('a')}`).expect(200)
  })

  test('sweep, health and ready', async () => {
    const { api } = await admin({}, mount)
    expect((await api('post', '/sweep').expect(200)).body).toMatchObject({ state: 'done', examined: 0 })
    expect((await api('get', '/health').expect(200)).body).toEqual({ status: 'ok', checks: {} })
    expect((await api('get', '/ready').expect(503)).body).toEqual({
      status: 'unavailable',
      checks: { redis: { ok: false, reason: 'refused' } },
    })
  })

  test('unknown routes and methods', async () => {
    const { api } = await admin({}, mount)
    expect((await api('get', '/nope').expect(404)).body).toMatchObject({ code: 'STRATA_NOT_FOUND' })
    await api('put', '/keys').expect(405).expect('allow', 'GET, HEAD')
    await api('get', '/invalidate').expect(405).expect('allow', 'POST')
    await api('get', '/invalidate/pattern/a/b').expect(405).expect('allow', 'POST')
    await api('options', `/keys/${sampleKey(1)}`)
      .expect(405)
      .expect('allow', 'GET, HEAD, DELETE')
  })
})

describe('bad input: 400, every fault named, nothing done', () => {
  const refused = async (
    send: (api: Awaited<ReturnType<typeof admin>>['api']) => request.Test,
    paths: string[],
    status = 400,
  ) => {
    const { api, fence, fill, metadata } = await admin()
    await fill('a')
    const { body } = await send(api).expect(status).expect('content-type', 'application/problem+json')
    expect(body).toMatchObject({ type: 'about:blank', status })
    expect(JSON.stringify(body)).not.toMatch(/\bat .*\.[jt]s/)
    expect((body.faults ?? []).map((f: { path: string }) => f.path)).toEqual(paths)
    expect(fence.state().seq).toBe(0)
    expect((await metadata.usage()).entries).toBe(1)
  }

  test.each<[unknown, string[]]>([
    [{}, ['']],
    [[], ['']],
    [null, ['']],
    [{ keys: 'a' }, ['keys']],
    [{ keys: ['short', 5], nope: 1 }, ['keys[1]', 'nope']],
    [{ keys: ['short'], patterns: ['(a+)+'], status: 7 }, ['keys[0]', 'status', 'patterns[0]']],
    [{ all: 'yes' }, ['all']],
    [{ all: false }, ['all']],
    [{ all: true, confirm: true, tags: ['a'] }, ['all']],
    [{ all: true }, ['confirm']],
    [{ all: true, confirm: false }, ['confirm']],
    [{ all: true, confirm: 'yes' }, ['confirm']],
    [{ tags: [] }, ['tags']],
    [{ olderThan: 'yesterday' }, ['olderThan']],
    [{ patterns: ['a'.repeat(257)] }, ['patterns[0]']],
    [JSON.parse('{"__proto__": {"all": true}}'), ['__proto__']],
  ])('%j', async (body, paths) => {
    await refused(
      api => api('post', '/invalidate').set('content-type', 'application/json').send(JSON.stringify(body)),
      paths,
    )
  })

  test('no JSON, and none at all', async () => {
    await refused(
      api => api('post', '/invalidate').set('content-type', 'application/json').send('{"all"'),
      [],
    )
    await refused(api => api('post', '/invalidate'), [])
  })

  test('too large: 413, with and without a length', async () => {
    const tags = Array.from({ length: 9000 }, (_, i) => `tag-${i}`)
    await refused(api => api('post', '/invalidate').send({ tags }), [], 413)
    const { handler } = await admin()
    const port = await listen(handler)
    async function* chunks() {
      for (let i = 0; i < 20; i++) yield Buffer.alloc(8192, 'a')
    }
    const answer = await fetch(`http://127.0.0.1:${port}/admin/cache/invalidate`, {
      method: 'POST',
      body: chunks(),
      duplex: 'half',
    } as RequestInit)
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ code: 'STRATA_TOO_LARGE' })
  })

  test.each([
    ['/keys?limit=x', ['limit']],
    ['/keys?limit=0', ['limit']],
    ['/keys?limit=5&limit=6', ['limit']],
    ['/keys?sort=url', ['sort']],
    ['/keys?cursor=abc', ['cursor']],
    ['/keys?pattern=(', ['pattern']],
    ['/keys/%zz', []],
  ])('GET %s', async (path, paths) => {
    await refused(api => api('get', path), paths)
  })

  test.each([
    ['/invalidate/pattern/a?x=1', ['x']],
    ['/invalidate/pattern/a?dryRun=perhaps', ['dryRun']],
    ['/invalidate/pattern/%5Ba', ['patterns[0]']],
    ['/invalidate?all=true', ['all']],
  ])('POST %s', async (path, paths) => {
    await refused(api => api('post', path), paths)
  })
})

describe('who may ask', () => {
  const purge = (api: Awaited<ReturnType<typeof admin>>['api']) =>
    api('post', '/invalidate').send({ all: true, confirm: true })

  test('with a token: nothing without it', async () => {
    const { api, fill, fence, metadata } = await admin({ token: TOKEN })
    await fill('a')
    for (const authorization of [
      undefined,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      TOKEN,
      `Basic ${TOKEN}`,
      'Bearer ',
    ]) {
      const asked = purge(api)
      if (authorization !== undefined) asked.set('authorization', authorization)
      const { body, headers } = await asked.expect(401)
      expect(headers['www-authenticate']).toMatch(/^Bearer realm="strata"/)
      expect(body).toMatchObject({ code: 'STRATA_UNAUTHORIZED' })
      expect(JSON.stringify(body)).not.toContain(TOKEN)
    }
    for (const path of ['/status', '/keys', '/stats', '/health', '/ready', '/nope'])
      await api('get', path).expect(401)
    expect(fence.state().seq).toBe(0)
    expect((await metadata.usage()).entries).toBe(1)
    expect((await purge(api).set('authorization', `bearer ${TOKEN}`).expect(200)).body).toMatchObject({
      matched: 1,
    })
  })

  test.each<[string, Record<string, string>]>([
    ['through a proxy (X-Forwarded-For)', { 'x-forwarded-for': '127.0.0.1' }],
    ['through a proxy (Forwarded)', { forwarded: 'for=127.0.0.1' }],
    ['through a proxy (Via)', { via: '1.1 proxy' }],
    ['by another name that leads here', { host: 'evil.example' }],
    ['from a page of another site', { origin: 'https://evil.example' }],
    ['from a page of another site, without Origin', { 'sec-fetch-site': 'cross-site' }],
  ])('without a token, not %s', async (_, headers) => {
    const { api, fence } = await admin()
    const { body } = await purge(api).set(headers).expect(403)
    expect(body).toMatchObject({
      code: 'STRATA_FORBIDDEN',
      detail: expect.stringContaining('STRATA_ADMIN_TOKEN'),
    })
    expect(fence.state().seq).toBe(0)
  })

  test.each([
    ['10.0.0.1', 403],
    ['::ffff:10.0.0.1', 403],
    ['fe80::1', 403],
    [undefined, 403],
    ['127.0.0.1', 200],
    ['127.8.9.10', 200],
    ['::1', 200],
    ['::ffff:127.0.0.1', 200],
  ])('without a token, from the address %s: %i', async (remoteAddress, status) => {
    const mount = (router: ReturnType<typeof adminRouter>): Handler => {
      const app = express().use('/admin/cache', router)
      return (req, res) => {
        Object.defineProperty(req.socket, 'remoteAddress', { value: remoteAddress })
        app(req, res)
      }
    }
    const { api } = await admin({}, mount)
    await api('get', '/status').expect(status)
  })

  test('without a token and without trust in this machine: nobody', async () => {
    const { api } = await admin({ trustLoopback: false })
    await api('get', '/status').expect(401)
  })

  test('each request is told, with what went wrong inside', async () => {
    const { api, onRequest, metadata } = await admin({ token: TOKEN })
    await api('get', '/status').expect(401)
    jest.spyOn(metadata, 'list').mockRejectedValue(new TypeError('a secret'))
    const { body } = await api('get', '/keys').set('authorization', `Bearer ${TOKEN}`).expect(503)
    expect(body.code).toBe('STRATA_STORE_UNAVAILABLE')
    expect(onRequest.mock.calls.map(([told]) => told)).toMatchObject([
      { method: 'GET', url: '/admin/cache/status', status: 401, error: undefined },
      { method: 'GET', url: '/admin/cache/keys', status: 503, error: { code: 'STRATA_STORE_UNAVAILABLE' } },
    ])
  })
})

describe('never a false 200', () => {
  test('nodes that have not confirmed: 202 and their names', async () => {
    const { api, fill } = await admin({}, mounts['Express 5'], { settle: async () => ['node-2'] })
    await fill('a')
    const { body } = await api('post', '/invalidate').send({ all: true, confirm: true }).expect(202)
    expect(body).toMatchObject({ effective: false, pending: ['node-2'] })
    await fill('b')
    await api('delete', `/keys/${sampleKey('b')}`).expect(202)
    await api('post', '/invalidate/pattern/**').expect(202)
  })

  test('a store that refuses: 503', async () => {
    const { api, fill, metadata } = await admin()
    await fill('a')
    jest.spyOn(metadata, 'invalidate').mockRejectedValue(new Error('READONLY'))
    const { body } = await api('post', '/invalidate')
      .send({ all: true, confirm: true })
      .expect(503)
      .expect('retry-after', '1')
    expect(body).toMatchObject({ code: 'STRATA_STORE_UNAVAILABLE' })
    await api('delete', `/keys/${sampleKey('a')}`).expect(503)
    await api('post', '/invalidate/pattern/**').expect(503)
    expect((await metadata.usage()).entries).toBe(1)
  })

  test('what fails inside is answered without its inside', async () => {
    const { api, operator } = await admin()
    jest.spyOn(operator, 'status').mockRejectedValue(new TypeError('secret inside'))
    const { body } = await api('get', '/status').expect(500)
    expect(body).toMatchObject({ code: 'STRATA_INTERNAL' })
    expect(JSON.stringify(body)).not.toContain('secret')
  })

  test('a client that leaves in the middle of its body purges nothing', async () => {
    const { handler, fence, onRequest } = await admin()
    const port = await listen(handler)
    const socket = connect(port, '127.0.0.1')
    socket.write(
      'POST /admin/cache/invalidate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{"all":true,"confirm":true}',
    )
    await new Promise<void>(resolve => socket.once('connect', resolve))
    socket.destroySoon()
    while (onRequest.mock.calls.length === 0) await new Promise(resolve => setImmediate(resolve))
    expect(fence.state().seq).toBe(0)
  })
})
