import { afterEach, expect, test } from '@jest/globals'
import express from 'express'
import express4 from 'express4'
import request from 'supertest'
import { closeAll, listen, openStrata } from '../../support/mounted-strata.js'

afterEach(closeAll)

test.each([
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
])(
  'in %s tags come from the path, the code and the fields, are purged by, and are not shown',
  async (_, make) => {
    const strata = await openStrata({
      rules: [{ match: '/collections/*/items/*', ttl: 600, tags: ['collection:{1}', 'items'] }],
    })
    let calls = 0
    const app = make()
    app.use(strata.middleware())
    app.get('/collections/:id/items/:item', (req, res) => {
      calls++
      strata.tag(res, 'from-code')
      strata.tag(res, `item:${req.params.item}`)
      res.locals.strataTags = ['from-locals', 'from-code']
      res.set('Cache-Tag', 'from-field').set('Surrogate-Key', 'k1 k2').send(`call ${calls}`)
    })
    const base = `http://127.0.0.1:${await listen(app)}`
    const get = (path: string) => request(base).get(path)
    const first = await get('/collections/roads/items/7').expect(200)
    const second = await get('/collections/roads/items/7').expect('x-cache', /^HIT/)
    for (const { headers } of [first, second]) {
      expect(headers).not.toHaveProperty('cache-tag')
      expect(headers).not.toHaveProperty('surrogate-key')
    }
    const { keys } = await strata.operator.keys({})
    expect([...keys[0]!.tags].sort()).toEqual(
      ['collection:roads', 'from-code', 'from-field', 'from-locals', 'item:7', 'items', 'k1', 'k2'].sort(),
    )
    for (const tag of ['collection:roads', 'from-code', 'from-locals', 'item:7', 'k2']) {
      expect(await strata.operator.invalidate({ tags: [tag] })).toMatchObject({ effective: true, matched: 1 })
      await get('/collections/roads/items/7').expect('x-cache', /^MISS/)
      await get('/collections/roads/items/7').expect('x-cache', /^HIT/)
    }
    expect(calls).toBe(6)
  },
)

test("a tag that none can be is the handler's error; nothing is stored without the tags it was to have", async () => {
  const strata = await openStrata()
  const app = express()
  app.use(strata.middleware())
  app.get('/tag', (_req, res) => {
    strata.tag(res, '')
    res.send('never')
  })
  app.get('/locals', (_req, res) => {
    res.locals.strataTags = [{ not: 'a tag' }]
    res.set('Cache-Control', 'max-age=60').send('never')
  })
  app.use((error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.locals.strataTags = undefined
    res.set('Cache-Control', 'no-store').status(500).send(String(error))
  })
  expect((await request(app).get('/tag').expect(500)).text).toMatch(/^TypeError: a tag must be/)
  expect((await request(app).get('/locals').expect(500)).text).toMatch(/^TypeError: a tag must be/)
  expect((await strata.operator.keys({})).keys).toEqual([])
})

test('more tags than the rule allows: answered, not stored', async () => {
  const strata = await openStrata({
    rules: [{ match: '/few/**', maxTags: 2, ttl: 600 }],
    defaults: { ttl: 600 },
  })
  const app = express()
  app.use(strata.middleware())
  app.use((_req, res) => void res.set('xkey', 'a b c').send('x'))
  await request(app).get('/few/1').expect(200)
  await request(app).get('/many/1').expect(200)
  expect((await strata.operator.keys({})).keys.map(({ url }) => new URL(url).pathname)).toEqual(['/many/1'])
})

test('exposeTags leaves the fields in answers', async () => {
  const strata = await openStrata({ http: { exposeTags: true }, defaults: { ttl: 600 } })
  const app = express()
  app.use(strata.middleware())
  app.use((_req, res) => void res.set('Cache-Tag', 'a').send('x'))
  const base = `http://127.0.0.1:${await listen(app)}`
  await request(base).get('/').expect('cache-tag', 'a')
  await request(base).get('/').expect('cache-tag', 'a').expect('x-cache', /^HIT/)
})
