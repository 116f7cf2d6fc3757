import { afterEach, describe, expect, test } from '@jest/globals'
import { closeAll, until } from '../../support/mounted-strata.js'
import { seedingSite, type SeedJob } from '../../support/seeding-site.js'

afterEach(closeAll)

const WORLD = { bbox: [-180, -85, 180, 85], zoom: [0, 3] }
const ALL = 1 + 4 + 16 + 64

describe('seeding a layer', () => {
  test('every tile is fetched once and is a hit; what is fresh is not asked for again', async () => {
    const { call, over, cache, asked, total } = await seedingSite()
    const started = await call('POST', '/tiles/base/seed', WORLD)
    expect(started.status).toBe(202)
    const job = await over((started.body as SeedJob).id)
    expect(job).toMatchObject({
      state: 'done',
      warm: { total: ALL, done: ALL, fetched: ALL, hits: 0, failed: 0 },
    })
    expect([...asked.values()]).toEqual(Array.from({ length: ALL }, () => 1))
    expect(await cache('/tiles/3/7/2.png')).toBe('HIT')
    const again = (await call('POST', '/tiles/base/seed', WORLD)).body as SeedJob
    expect(await over(again.id)).toMatchObject({ state: 'done', warm: { hits: ALL, fetched: 0 } })
    expect(total()).toBe(ALL)
    const anew = (await call('POST', '/tiles/base/seed', { ...WORLD, refresh: true })).body as SeedJob
    expect(await over(anew.id)).toMatchObject({ state: 'done', warm: { hits: 0, fetched: ALL } })
    expect([...asked.values()].every(count => count === 2)).toBe(true)
  })

  test('a dry run says what it would come to, and asks nothing', async () => {
    const { call, total, cache } = await seedingSite()
    await cache('/tiles/0/0/0.png')
    const { status, body } = await call('POST', '/tiles/base/seed', { ...WORLD, dryRun: true, rate: 10 })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      dryRun: true,
      tiles: ALL,
      estimatedSeconds: 9,
      s3Requests: 0,
      needsConfirm: false,
    })
    expect((body as { estimatedBytes: number }).estimatedBytes).toBeGreaterThan(ALL * 10)
    expect(total()).toBe(1)
  })

  test('an expiry list, with zooms of it; tiles outside of the layer are left alone', async () => {
    const { call, over, asked } = await seedingSite({}, { extent: [0, 0, 180, 85] })
    const list = '3/5/2\n3/1/2\n# a comment\n3/5/2\n2/3/1\n11/1200/700\n'
    const started = await call('POST', '/tiles/base/seed?zoom=0-10', list)
    expect(await over((started.body as SeedJob).id)).toMatchObject({
      state: 'done',
      warm: { total: 3, fetched: 2, outside: 1 },
    })
    expect([...asked.keys()].sort()).toEqual(['/tiles/2/3/1.png', '/tiles/3/5/2.png'])
  })

  test('URLs, also with a host and with fields that choose a variant', async () => {
    const { call, over, base, state } = await seedingSite({
      rules: [{ match: '/**', ttl: 600 }],
    })
    state.answer = (req, res) => {
      res
        .setHeader('Vary', 'Accept-Language')
        .end(`${req.headers['accept-language']} ${req.headers['x-forwarded-host']}`)
    }
    const sent = { urls: ['/a?b=1', `${base}/c`], headers: { 'Accept-Language': 'de' } }
    expect(await over(((await call('POST', '/warm', sent)).body as SeedJob).id)).toMatchObject({
      state: 'done',
      warm: { fetched: 2 },
    })
    for (const path of ['/a?b=1', '/c']) {
      const response = await fetch(base + path, { headers: { 'accept-language': 'de' } })
      expect(response.headers.get('x-cache')).toMatch(/^HIT/)
      expect(await response.text()).toBe('de 127.0.0.1')
    }
  })
})

describe('what cannot be had', () => {
  test('is tried again, then listed with the reason; the job is never done without it', async () => {
    const { call, over, state, asked } = await seedingSite()
    let sick = 2
    state.answer = (req, res) => {
      if (req.url === '/tiles/3/0/0.png') return void res.writeHead(500).end()
      if (req.url === '/tiles/3/1/0.png') return void res.writeHead(404).end()
      if (req.url === '/tiles/2/0/0.png') return void res.setHeader('Cache-Control', 'no-store').end('x')
      if (req.url === '/tiles/2/1/0.png' && sick-- > 0) return void res.destroy()
      res.setHeader('Content-Type', 'image/png').end('tile')
    }
    const { id } = (await call('POST', '/tiles/base/seed', { ...WORLD, retries: 1 })).body as SeedJob
    expect(await over(id)).toMatchObject({
      state: 'incomplete',
      warm: { total: ALL, done: ALL, failed: 3, fetched: ALL - 3, retried: 4 },
    })
    const { body } = await call('GET', `/jobs/${id}/failures`)
    expect(body).toEqual({
      failed: 3,
      failures: [
        { name: '2/0/0', reason: expect.stringContaining('is not fresh in the store') },
        { name: '3/0/0', reason: 'the origin answered 500' },
        { name: '3/1/0', reason: 'the origin answered 404' },
      ],
    })
    expect(asked.get('/tiles/3/0/0.png')).toBe(2)
  })

  test('an origin that is away: nothing is warm, and the proxy lives', async () => {
    const { call, over, close, base } = await seedingSite()
    await close()
    const { id } = (await call('POST', '/tiles/base/seed', { ...WORLD, zoom: 0, retries: 0 })).body as SeedJob
    expect(await over(id)).toMatchObject({ state: 'incomplete', warm: { failed: 1 } })
    expect((await call('GET', `/jobs/${id}/failures`)).body).toMatchObject({
      failures: [{ name: '0/0/0', reason: 'the origin failed: STRATA_ORIGIN_UNREACHABLE' }],
    })
    expect((await fetch(`${base}/tiles/1/0/0.png`)).status).toBe(502)
  })

  test('where missing tiles are kept (negativeTtl), a 404 is an answer', async () => {
    const { call, over, state, cache } = await seedingSite({}, { negativeTtl: 60 })
    state.answer = (_req, res) => void res.writeHead(404).end()
    const { id } = (await call('POST', '/tiles/base/seed', { ...WORLD, zoom: 1 })).body as SeedJob
    expect(await over(id)).toMatchObject({ state: 'done', warm: { absent: 4, failed: 0 } })
    expect(await cache('/tiles/1/0/0.png')).toBe('HIT')
  })
})

describe('a job on its way', () => {
  test('is paused, goes on, and is cancelled; its events tell of it', async () => {
    const { call, become, base, state, total } = await seedingSite({ warm: { batch: 8 } })
    const held: (() => void)[] = []
    state.answer = (_req, res) => void held.push(() => res.setHeader('Content-Type', 'image/png').end('tile'))
    const letGo = () => {
      for (const go of held.splice(0)) go()
    }
    const { id } = (await call('POST', '/tiles/base/seed', { ...WORLD, concurrency: 4 })).body as SeedJob
    await until('four are asked for', () => held.length === 4)
    letGo()
    await until('four more are', () => held.length === 4)
    const events = await fetch(`${base}/admin/cache/jobs/${id}/events`)
    expect(events.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect((await call('POST', `/jobs/${id}/pause`)).body).toMatchObject({ id })
    expect(await become(id, 'paused')).toMatchObject({ warm: { done: 4, fetched: 4 } })
    letGo()
    const before = total()
    expect((await call('POST', `/jobs/${id}/resume`)).status).toBe(200)
    // Those that were under way have come since: they are fresh.
    await until('it goes on behind them', () => held.length === 4 && total() === before + 4)
    expect((await call('DELETE', `/jobs/${id}`)).status).toBe(200)
    await become(id, 'cancelled')
    letGo()
    const told = await events.text()
    expect(told).toContain('event: progress')
    expect(told.trimEnd().split('\n\n').at(-1)).toMatch(/^event: end\ndata: \{.*"state":"cancelled"/)
    expect((await call('POST', `/jobs/${id}/resume`)).status).toBe(400)
    expect((await call('POST', `/jobs/${id}/pause`)).status).toBe(400)
    expect((await call('GET', `/jobs/none/events`)).status).toBe(404)
  })

  test('no more than the rate', async () => {
    const { call, total } = await seedingSite()
    const { id } = (await call('POST', '/tiles/base/seed', { ...WORLD, rate: 0.001 })).body as SeedJob
    await until('the first is asked for', () => total() === 1)
    await call('DELETE', `/jobs/${id}`)
    expect(total()).toBe(1)
  })
})

describe('what is wrong with a request', () => {
  test.each([
    [{ bbox: [5, 45, 10, 95] }, 'bbox'],
    [{ ...WORLD, zoom: [13, 14] }, 'zoom'],
    [{ ...WORLD, rate: -1 }, 'rate'],
    [{ ...WORLD, headers: { cookie: 'a=b' } }, 'headers'],
    [{ ...WORLD, headers: { Host: 'x' } }, 'headers'],
    [{ ...WORLD, site: 'maps.example' }, 'site'],
    [{ ...WORLD, soft: true }, 'soft'],
    [{}, ''],
  ])('%j', async (body, path) => {
    const { call, total } = await seedingSite()
    const answer = await call('POST', '/tiles/base/seed', body)
    expect(answer.status).toBe(400)
    expect((answer.body as { faults: { path: string }[] }).faults.map(fault => fault.path)).toContain(path)
    expect(total()).toBe(0)
  })

  test('more than allowed wants to be confirmed, and says the limit and the count', async () => {
    const { call, over } = await seedingSite({ warm: { maxTiles: 10 } })
    const refused = await call('POST', '/tiles/base/seed', WORLD)
    expect(refused.status).toBe(400)
    expect((refused.body as { detail: string }).detail).toMatch(/85.*10 \(warm\.maxTiles\)/)
    const { id } = (await call('POST', '/tiles/base/seed', { ...WORLD, confirm: true })).body as SeedJob
    expect(await over(id)).toMatchObject({ state: 'done' })
    expect((await call('POST', '/tiles/roads/seed', WORLD)).status).toBe(404)
    expect((await call('POST', '/warm', 'ftp://x/y\n')).status).toBe(400)
  })
})
