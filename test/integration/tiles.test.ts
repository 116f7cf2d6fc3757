import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import { PNG } from 'pngjs'
import request from 'supertest'
import type { StrataOptions } from '../../src/index.js'
import { startBackend, type BackendName, type TestBackend } from '../support/backends.js'
import { closeAll, listen, onClose, openStrata, until } from '../support/mounted-strata.js'

afterEach(closeAll)

const EMPTY = Buffer.alloc(500, 'empty')
const RULE = {
  match: '/tiles/**',
  ttl: 600,
  staleWhileRevalidate: 0,
  layer: {
    name: 'base',
    template: '/tiles/{z}/{x}/{y}.png',
    maxZoom: 20,
    extent: [-180, -60, 180, 85] as [number, number, number, number],
    outside: 'not-found' as const,
    negativeTtl: 60,
    cors: '*',
  },
}

/** Tiles of a server that sends what real ones do; `/tiles/9/…` fails as MapServer does. */
function tileServer() {
  const asked: string[] = []
  const origins: (string | undefined)[] = []
  const app = express()
  app.use((req, res) => {
    asked.push(req.url)
    origins.push(req.headers.origin)
    const [, , z, x] = req.path.split('/')
    if (z === '9') return void res.type('html').send('<b>msDrawMap(): no such layer</b>')
    if (z === '8') return void res.status(404).type('html').send('no tile here')
    // mod_tile: CORS only for who asks by Origin, and no Vary.
    if (req.headers.origin !== undefined) res.set('Access-Control-Allow-Origin', req.headers.origin)
    // x of ten: seven are the one empty tile.
    res.type('png').send(Number(x) % 10 < 7 ? EMPTY : Buffer.from(`${req.path}`.padEnd(500, '.')))
  })
  return { app, asked, origins }
}

describe.each<BackendName>(['embedded', 'redis', 's3-redis'])('map tiles on %s', name => {
  let backend: TestBackend
  beforeEach(async () => {
    backend = await startBackend(name)
    onClose(() => backend.stop())
  })

  async function site(options: StrataOptions = {}) {
    const tiles = tileServer()
    const strata = await openStrata({
      ...backend.options,
      rules: [RULE],
      sweep: { bodyGraceMs: 0, intervalMs: 0 },
      ...options,
    })
    const app = express()
    app.use('/admin/cache', strata.admin())
    app.use(strata.middleware())
    app.use(tiles.app)
    const base = `http://127.0.0.1:${await listen(app)}`
    const get = async (path: string, fields: Record<string, string> = {}) => {
      const { status, headers } = await request(base)
        .get(path)
        .set({ Host: 'maps.example', ...fields })
      return { status, headers, cache: headers['x-cache']!.split(' ')[0]! }
    }
    const stored = (count: number) =>
      until(`${count} tiles are stored`, async () => (await strata.operator.status()).entries === count)
    const purge = (body: object, query = '') =>
      request(base).post(`/admin/cache/tiles/base/invalidate${query}`).send(body)
    return { ...tiles, base, get, stored, purge, strata }
  }

  test('a purge of an area holds at once, on every node, for what meets it and nothing else', async () => {
    const a = await site()
    const b = name === 'embedded' ? a : await site()
    const inside = ['/tiles/0/0/0.png', '/tiles/5/16/11.png', '/tiles/12/2145/1434.png']
    const beside = ['/tiles/5/16/20.png', '/tiles/12/2000/1434.png']
    for (const path of [...inside, ...beside]) for (const { get } of [a, b]) await get(path)
    await a.stored(5)
    for (const path of inside) expect(await b.get(path)).toMatchObject({ cache: 'HIT' })
    const answer = await a.purge({ bbox: [8.4, 47.3, 8.6, 47.5], zoom: [0, 20] })
    expect(answer.body).toMatchObject({
      effective: true,
      matched: 3,
      layer: 'base',
      zoom: [0, 20],
      vertices: 4,
    })
    for (const path of beside) expect(await b.get(path)).toMatchObject({ cache: 'HIT' })
    for (const path of inside) expect(await b.get(path)).toMatchObject({ cache: 'MISS' })
  })

  test('a polygon with a hole, soft; a list as tile tools write it; one tile with its pyramid', async () => {
    const { get, stored, purge, base } = await site()
    const paths = [
      '/tiles/6/32/21.png',
      '/tiles/6/33/21.png',
      '/tiles/6/34/21.png',
      '/tiles/4/8/5.png',
      '/tiles/7/66/42.png',
    ]
    for (const path of paths) await get(path)
    await stored(5)
    const square = (w: number, s: number, e: number, n: number) => [
      [w, s],
      [e, s],
      [e, n],
      [w, n],
      [w, s],
    ]
    const geometry = { type: 'Polygon', coordinates: [square(0, 40, 20, 60), square(5, 48, 12, 55)] }
    // The middle one lies in the hole.
    expect((await purge({ geometry, zoom: 6, soft: true })).body).toMatchObject({ matched: 2, soft: true })
    expect(await get(paths[1]!)).toMatchObject({ cache: 'HIT' })
    expect((await get(paths[0]!)).cache).not.toBe('HIT')
    const list = await request(base)
      .post('/admin/cache/tiles/base/invalidate?descendants=true')
      .type('text/plain')
      .send('6/33/21\n7/0/0\n')
    expect(list.body).toMatchObject({ effective: true, listed: 2, matched: 2 })
    expect([(await get(paths[1]!)).cache, (await get(paths[3]!)).cache]).toEqual(['MISS', 'HIT'])
    const pyramid = await purge({ tile: { z: 6, x: 33, y: 21 }, ancestors: true })
    expect(pyramid.body).toMatchObject({ effective: true, listed: 1 })
    expect((await get(paths[3]!)).cache).toBe('MISS')
  })

  test('a dry run says what would be hit, and how many tiles there are', async () => {
    const { get, stored, purge } = await site()
    await get('/tiles/3/4/2.png')
    await stored(1)
    const { body } = await purge({ bbox: [1, 1, 44, 66], zoom: [0, 3], dryRun: true })
    expect(body).toMatchObject({ dryRun: true, matched: 1, complete: true, tiles: 5, layer: 'base' })
    expect(body.sample).toEqual([expect.objectContaining({ url: 'http://maps.example/tiles/3/4/2.png' })])
    expect(await get('/tiles/3/4/2.png')).toMatchObject({ cache: 'HIT' })
  })

  test('identical tiles are stored once, and counted', async () => {
    const { get, stored, base, strata } = await site()
    for (let x = 0; x < 20; x++) await get(`/tiles/7/${x}/40.png`)
    await stored(20)
    const { body } = await request(base).get('/admin/cache/stats')
    // Fourteen are the empty one, six are of their own.
    expect(body).toMatchObject({ entries: 20, bodies: 7, bytesSaved: 13 * EMPTY.length })
    await strata.operator.invalidate({ urls: ['http://maps.example/tiles/7/0/40.png'] })
    expect(await get('/tiles/7/1/40.png')).toMatchObject({ cache: 'HIT' })
  })

  test('what is stored can be seen by cell, as numbers, polygons and an image, also after a purge', async () => {
    const { get, stored, purge, base } = await site()
    for (let x = 60; x < 64; x++) await get(`/tiles/6/${x}/20.png`)
    await stored(4)
    const coverage = (form = '', query = 'zoom=6&cell=4') =>
      request(base).get(`/admin/cache/tiles/base/coverage${form}?${query}`)
    const cell = { z: 4, x: 15, y: 5, tiles: 16, cached: 4, fresh: 4, stale: 0 }
    expect((await coverage()).body).toMatchObject({ layer: 'base', zoom: 6, cellZoom: 4, cells: [cell] })
    await purge({ tile: '6/60/20' })
    const { body, headers } = await coverage('.geojson')
    expect(headers['content-type']).toBe('application/geo+json')
    expect(body).toMatchObject({
      features: [{ id: '4/15/5', properties: { cached: 3 } }],
    })
    const image = await coverage('.png')
    expect([image.status, image.headers['content-type']]).toEqual([200, 'image/png'])
    expect(PNG.sync.read(image.body)).toMatchObject({ width: 16, height: 12 })
    expect((await coverage('', 'zoom=12&cell=12')).body).toMatchObject({
      status: 400,
      code: 'STRATA_BAD_REQUEST',
    })
  })

  test('requests are counted by layer and zoom', async () => {
    const { get, stored, base } = await site()
    for (const path of ['/tiles/1/0/0.png', '/tiles/1/0/0.png', '/tiles/2/0/1.png', '/page']) await get(path)
    await stored(3)
    const counted = async () => (await request(base).get('/admin/cache/stats')).body.layers
    await until('all answers are counted', async () => (await counted())[0]?.requests === 3)
    const [layer] = await counted()
    expect(layer).toMatchObject({ layer: 'base', requests: 3, hits: 1, misses: 2, bytes: 1500 })
    expect(layer.zooms.map(({ zoom, hits, misses }: Record<string, number>) => [zoom, hits, misses])).toEqual(
      [
        [1, 1, 1],
        [2, 0, 1],
      ],
    )
    expect(layer.originMsSaved).toBeGreaterThanOrEqual(0)
  })
})

describe('what a layer rules', () => {
  async function site(rule: object = {}) {
    const tiles = tileServer()
    const strata = await openStrata({ rules: [{ ...RULE, ...rule }] })
    const app = express()
    app.use('/admin/cache', strata.admin())
    app.use(strata.middleware())
    app.use(tiles.app)
    const base = `http://127.0.0.1:${await listen(app)}`
    const get = (path: string, fields: Record<string, string> = {}) => request(base).get(path).set(fields)
    return { ...tiles, get, base, strata }
  }

  test('a tile outside of extent or zooms is answered with 404, and the origin is not asked', async () => {
    const { get, asked } = await site()
    for (const path of ['/tiles/5/3/31.png', '/tiles/21/0/0.png', '/tiles/3/8/0.png']) {
      const { status, headers } = await get(path)
      expect([status, headers['cache-control'], headers['access-control-allow-origin']]).toEqual([
        404,
        'public, max-age=60',
        '*',
      ])
      expect(headers['cache-status']).toContain('detail=outside-layer')
    }
    expect(asked).toEqual([])
  })

  test('what is no tile is not stored; that there is none is, for a while', async () => {
    const { get, asked } = await site()
    for (const path of ['/tiles/9/1/90.png', '/tiles/8/1/90.png']) for (let i = 0; i < 2; i++) await get(path)
    expect(asked).toEqual(['/tiles/9/1/90.png', '/tiles/9/1/90.png', '/tiles/8/1/90.png'])
  })

  test('a tile that a seeder has fetched serves map clients of every site', async () => {
    const { get, asked, origins } = await site()
    expect((await get('/tiles/3/1/2.png')).headers['access-control-allow-origin']).toBe('*')
    const { headers } = await get('/tiles/3/1/2.png', { Origin: 'https://map.example' })
    expect([headers['x-cache'], headers['access-control-allow-origin']]).toEqual(['HIT', '*'])
    await get('/tiles/3/1/3.png', { Origin: 'https://map.example' })
    expect(asked).toHaveLength(2)
    expect(origins).toEqual([undefined, undefined])
  })

  test.each([
    ['base', { bbox: [0, 0, 1, 1], zoom: [0, 99] }, 400, 'the layer has zooms 0 to 20'],
    [
      'base',
      {
        geometry: {
          type: 'Polygon',
          coordinates: [
            [
              [0, 0],
              [9, 9],
              [9, 0],
              [0, 9],
              [0, 0],
            ],
          ],
        },
      },
      400,
      'crosses itself',
    ],
    ['base', { box: [0, 0, 1, 1] }, 400, 'is no field here'],
    ['roads', { bbox: [0, 0, 1, 1] }, 404, 'there is no map layer "roads": there are base'],
  ])('a request that cannot be meant is refused in words', async (layer, body, status, message) => {
    const { base } = await site()
    const answer = await request(base).post(`/admin/cache/tiles/${layer}/invalidate`).send(body)
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json'])
    expect(answer.body.detail).toContain(message)
  })
})
