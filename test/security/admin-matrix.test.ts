import { afterAll, describe, expect, test } from '@jest/globals'
import express from 'express'
import { pino } from 'pino'
import request from 'supertest'
import { openEngine } from '../../src/compose/engine.js'
import { loadConfig } from '../../src/config/index.js'
import { ApiKeys } from '../../src/engine/access/api-keys.js'
import { ROLES, SCOPES, scopesOf, type Role, type Scope } from '../../src/engine/access/scopes.js'
import { systemClock } from '../../src/engine/clock.js'
import { Access } from '../../src/server/access/access.js'
import {
  adminRouter,
  apiKeysRoutes,
  auditRoutes,
  routesOf,
  type AdminRoute,
} from '../../src/server/admin/index.js'
import { mountRoutes } from '../../src/server/admin/route.js'
import { tilesRoutes } from '../../src/server/admin/tiles-routes.js'
import { warmRoutes } from '../../src/server/admin/warm-routes.js'
import { TrustedPeers } from '../../src/server/forwarded.js'
import { memoryApiKeyStore } from '../../src/stores/memory/index.js'
import { memoryAudit } from '../support/audited.js'
import { sampleKey } from '../support/entries.js'
import { operatedCache } from '../support/operated-cache.js'

const health = { live: () => ({ ok: true, checks: {} }), ready: () => ({ ok: true, checks: {} }) }

/** For the routes that need more than an operator: layers, and what fills them. */
const engine = await openEngine(
  loadConfig({
    options: {
      backend: 'memory',
      rules: [{ match: '/t/**', layer: { name: 'base', template: '/t/{z}/{x}/{y}.png' } }],
    },
  }),
  pino({ level: 'silent' }),
  false,
)
afterAll(() => engine.close())
const layerRoutes = [
  ...tilesRoutes(engine.tiles),
  ...warmRoutes(engine.seeder, engine.operator, new TrustedPeers([])),
]

/** Whose credentials say what they may: `only-purge`, `operator`, `nothing`. */
const principals: Record<string, readonly (Scope | Role)[]> = {
  nothing: [],
  ...Object.fromEntries(SCOPES.map(scope => [`only-${scope}`, [scope]])),
  ...Object.fromEntries(Object.keys(ROLES).map(role => [role, [role as Role]])),
}

async function admin(routes: readonly AdminRoute[] = []) {
  const cache = await operatedCache()
  const access = new Access({
    trustLoopback: true,
    token: 'the-token-of-the-settings',
    verifiers: [
      async given =>
        principals[given] && { kind: 'key', id: `key:${given}`, scopes: scopesOf(principals[given]) },
    ],
  })
  const keys = new ApiKeys({ store: memoryApiKeyStore(), clock: systemClock, namespace: 'test' })
  const own = [...apiKeysRoutes(keys), ...auditRoutes('/nowhere/audit.jsonl'), ...layerRoutes, ...routes]
  const written = memoryAudit()
  const { audit } = written
  const router = adminRouter({ operator: cache.operator, health, access, audit, routes: own })
  return { ...cache, ...written, keys, router, app: express().use('/admin/cache', router) }
}

const params: Readonly<Record<string, string>> = { key: sampleKey('a'), id: 'none', pattern: 'tiles/5/**' }
const fill = (path: string) => path.replace(/[:*](\w+)/g, (_, name: string) => params[name] ?? 'x')
const bodies: Readonly<Record<string, object>> = {
  '/invalidate': { tags: ['t'] },
  '/api-keys': { name: 'matrix', scopes: ['keys'] },
}

const { router: asked } = await admin()
const routes = routesOf(asked)
const cells = routes.flatMap(route => Object.keys(principals).map(who => [who, route] as const))

describe('the matrix of principals and routes, from the router itself', () => {
  test('has every route that the README names', () => {
    const names = routes.map(({ method, path }) => `${method} ${path}`)
    expect(names).toEqual(
      expect.arrayContaining([
        'GET /status',
        'GET /stats',
        'GET /keys',
        'GET /keys/:key',
        'DELETE /keys/:key',
        'POST /invalidate',
        'POST /invalidate/key/:key',
        'POST /invalidate/pattern/*pattern',
        'POST /sweep',
        'POST /reconcile',
        'GET /jobs',
        'POST /tiles/:layer/invalidate',
        'POST /tiles/:layer/seed',
        'GET /tiles/:layer/coverage',
        'GET /audit',
        'GET /api-keys',
        'POST /api-keys',
        'DELETE /api-keys/:id',
      ]),
    )
    expect(new Set(names).size).toBe(names.length)
  })

  test.each(cells)('%s: $method $path', async (who, { method, path, scope, action }) => {
    const { app, fence, fill: store, events } = await admin()
    await store('a')
    const verb = method.toLowerCase() as 'get' | 'post' | 'put' | 'delete'
    const sent = request(app)[verb](`/admin/cache${fill(path)}`)
    sent.set('authorization', `Bearer ${who}`)
    const may = scope.some(one => scopesOf(principals[who]!).has(one))
    const { status, body, headers } = await (method === 'GET' ? sent : sent.send(bodies[path]))
    if (may) expect([401, 403, 500]).not.toContain(status)
    else {
      expect(status).toBe(403)
      expect(body).toMatchObject({ code: 'STRATA_FORBIDDEN' })
      expect(headers['www-authenticate']).toBe(
        `Bearer realm="strata", error="insufficient_scope", scope="${scope.join(' ')}"`,
      )
      expect(fence.state().seq).toBe(0)
    }
    // What changes something is written down twice, what was turned away once, and what only looks not at all.
    const phases = events().map(({ phase }) => phase)
    expect(phases).toEqual(!may ? ['refused'] : action === undefined ? [] : ['intent', 'result'])
  })

  test.each(routes)('nobody, and somebody else: $method $path', async ({ method, path }) => {
    const { app, fence } = await admin()
    const verb = method.toLowerCase() as 'get' | 'post' | 'put' | 'delete'
    for (const authorization of [undefined, 'Bearer somebody-else', 'Basic YWRtaW46YWRtaW4=', 'Bearer']) {
      const sent = request(app)[verb](`/admin/cache${fill(path)}`)
      if (authorization !== undefined) sent.set('authorization', authorization)
      await sent.send(method === 'GET' ? undefined : bodies[path]).expect(401)
    }
    expect(fence.state().seq).toBe(0)
  })

  test.each(Object.keys(principals))('%s: HEAD is what GET is', async who => {
    const { app } = await admin()
    const { status } = await request(app).head('/admin/cache/status').set('authorization', `Bearer ${who}`)
    expect(status).toBe(scopesOf(principals[who]!).has('read') ? 200 : 403)
  })
})

describe('what purges everything needs purge-all, by whatever words', () => {
  const everything = [
    { all: true, confirm: true },
    { patterns: ['**'] },
    { pattern: '/**' },
    { patterns: ['/tiles/5/1', '/*/**', '/*'] },
    { pattern: '!/none' },
    { pattern: '[^~]**' },
    { pattern: '/[a-r0-8]**' },
    { pattern: 'http*://**' },
    { pattern: 'http://host/**' },
    { pattern: 'http*/**' },
    { pattern: '/*/*/*/*/*/**' },
    { pattern: '{http://a,http://b}/**' },
    { pattern: '/{[a-f],[g-n]*,o,p,q,r,s,[t-z]}*' },
    { prefix: '/' },
    { prefix: 'http://host/' },
    { prefix: 'http://host' },
    { host: 'host' },
    { olderThan: 1 },
    { minBytes: 0 },
    { contentType: '*/*' },
    { status: 200 },
    { pattern: '/**', host: 'host' },
  ]
  const something = [
    { tags: ['a'] },
    { tag: 'a', minBytes: 0 },
    { keys: [sampleKey('a')] },
    { urls: ['/a'] },
    { patterns: ['/tiles/5/**'] },
    { pattern: '/a*' },
    { pattern: 'tiles/**' },
    { pattern: '**/*.png' },
    { pattern: 'http://host/tiles/{1..12}/**' },
    { prefix: '/tiles' },
    { prefix: 'http://host/tiles' },
    { prefix: '/tiles/', host: 'host' },
    { pattern: '/tiles/*', patterns: undefined, host: 'host' },
  ]
  const post = async (who: string, body: object) => {
    const { app, fence } = await admin()
    const { status } = await request(app)
      .post('/admin/cache/invalidate')
      .set('authorization', `Bearer ${who}`)
      .send(body)
    return { status, seq: fence.state().seq }
  }

  test.each(everything)('%j', async body => {
    expect(await post('only-purge', body)).toEqual({ status: 403, seq: 0 })
    expect(await post('only-purge', { ...body, dryRun: true })).toEqual({ status: 403, seq: 0 })
    expect(await post('only-purge-all', body)).toEqual({ status: 200, seq: expect.any(Number) })
  })

  test.each(something)('purge alone is enough: %j', async body => {
    expect(await post('only-purge', body)).toMatchObject({ status: 200 })
  })

  test('as a path, too', async () => {
    const { app } = await admin()
    const purge = (pattern: string) =>
      request(app)
        .post(`/admin/cache/invalidate/pattern/${pattern}`)
        .set('authorization', 'Bearer only-purge')
    await purge('**').expect(403)
    await purge('tiles/**').expect(200)
  })
})

describe('a route that says not who may use it', () => {
  const run = () => ({ status: 200, body: {} })

  test.each<[string, AdminRoute['methods']]>([
    ['no scope', { GET: { run } as never }],
    ['an empty list of scopes', { GET: { scope: [], run } }],
    ['a scope that there is not', { GET: { scope: 'everything' as never, run } }],
    ['nothing for the audit log', { POST: { scope: 'purge', run } as never }],
  ])('%s: there is no router at all', async (_, methods) => {
    await expect(admin([{ path: '/new', methods }])).rejects.toThrow(TypeError)
  })

  test('one that is added past the table is found', () => {
    const router = express.Router()
    mountRoutes(router, [{ path: '/a', methods: { GET: { scope: 'read', run } } }], () => async () => run())
    expect(routesOf(router)).toMatchObject([{ method: 'GET', path: '/a', scope: ['read'] }])
    router.get('/b', (_req, res) => void res.end('who are you?'))
    expect(() => routesOf(router)).toThrow('the admin route /b declares no scope')
  })

  test('one that is added to the finished router is never reached', async () => {
    const { router, app } = await admin()
    router.get('/late', (_req, res) => void res.end('who are you?'))
    await request(app).get('/admin/cache/late').expect(401)
    await request(app).get('/admin/cache/late').set('authorization', 'Bearer admin').expect(404)
  })

  test('a stream learns that its key has been revoked', async () => {
    const asked: boolean[] = []
    const { app } = await admin([
      {
        path: '/events',
        methods: {
          GET: {
            scope: 'read',
            run: async (_req, { res, stillMay }) => {
              res.write('event\n')
              asked.push(await stillMay())
              const scopes = principals.reader!
              principals.reader = ['warm']
              asked.push(await stillMay())
              delete principals.reader
              asked.push(await stillMay())
              principals.reader = scopes
              res.end()
              return undefined
            },
          },
        },
      },
    ])
    const { text } = await request(app).get('/admin/cache/events').set('authorization', 'Bearer reader')
    expect(text).toBe('event\n')
    expect(asked).toEqual([true, false, false])
  })

  test('a new one of another part is asked for like the others', async () => {
    const { app } = await admin([
      { path: '/brand-new', methods: { POST: { scope: 'warm', action: 'warm', run } } },
    ])
    const post = (who: string) =>
      request(app).post('/admin/cache/brand-new').set('authorization', `Bearer ${who}`)
    await post('seeder').expect(200)
    await post('purger').expect(403)
  })
})
