import { afterEach, describe, expect, test } from '@jest/globals'
import compression from 'compression'
import express, { type RequestHandler } from 'express'
import express4 from 'express4'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { rawRequest, type RawResponse } from '../../support/raw-client.js'
import { closeAll, listen, openStrata } from '../../support/mounted-strata.js'

afterEach(closeAll)

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('%s', (_name, make) => {
  test('what earlier middleware sets is for its client alone: not stored, not lost', async () => {
    const strata = await openStrata()
    let visits = 0
    const app = make()
    const before: RequestHandler = (req, res, next) => {
      visits++
      res.set({
        'X-Request-Id': String(visits),
        'Access-Control-Allow-Origin': req.get('origin') ?? '*',
        Vary: 'Origin',
      })
      res.cookie('sid', `s${visits}`)
      next()
    }
    app.use(before, strata.middleware())
    app.get('/x', (_req, res) => {
      res.set('Vary', 'Accept').removeHeader('X-Powered-By')
      res.set('Cache-Control', 'max-age=60').append('Link', '</a>').append('Link', '</b>').send('x')
    })
    const port = await listen(app)
    for (const n of [1, 2]) {
      const answer = await rawRequest({ port, target: '/x', fields: [['Origin', `http://o${n}`]] })
      expect(answer.field('x-cache')).toBe(n === 1 ? 'MISS' : 'HIT')
      expect(answer.values('x-request-id')).toEqual([String(n)])
      expect(answer.values('access-control-allow-origin')).toEqual([`http://o${n}`])
      expect(answer.values('set-cookie')).toEqual([`sid=s${n}; Path=/`])
      expect(answer.values('link')).toEqual(['</a>', '</b>'])
      expect(answer.field('vary')!.split(', ').sort()).toEqual(['Accept', 'Origin'])
    }
  })

  test("cookies of the handler: not stored; with setCookie 'store' its own alone, never the leader's", async () => {
    const strata = await openStrata({ rules: [{ match: '/kept', setCookie: 'store' }] })
    let visits = 0
    const app = make()
    app.use((_req, res, next) => void next(res.cookie('sid', `s${++visits}`) && undefined))
    app.use(strata.middleware())
    app.get('/:any', (_req, res) => {
      res.set('Cache-Control', 'max-age=60').cookie('theme', 'dark').send('x')
    })
    const port = await listen(app)
    for (const [target, caches] of [
      ['/kept', ['MISS', 'HIT']],
      ['/not', ['MISS', 'MISS']],
    ] as const) {
      for (const cache of caches) {
        const answer = await rawRequest({ port, target })
        expect(answer.field('x-cache')).toBe(cache)
        expect(answer.values('set-cookie')).toEqual([`sid=s${visits}; Path=/`, 'theme=dark; Path=/'])
      }
    }
  })

  test.each([
    ['Authorization', [['Authorization', 'Basic YTph']], {}],
    ['Cookie', [['Cookie', 'a=1']], {}],
    ['Vary: *', [], { Vary: '*' }],
    ['an earlier no-store', [['X-No-Store', '1']], {}],
  ] as [string, [string, string][], Record<string, string>][])(
    'not stored: %s',
    async (_what, fields, response) => {
      const strata = await openStrata()
      let calls = 0
      const app = make()
      app.use((req, res, next) => {
        if (req.get('x-no-store') !== undefined) res.set('Cache-Control', 'no-store')
        next()
      })
      app.use(strata.middleware())
      app.get('/x', (req, res) => {
        calls++
        if (req.get('x-no-store') === undefined) res.set('Cache-Control', 'max-age=60')
        res.set({ 'Last-Modified': 'Mon, 01 Jan 2024 00:00:00 GMT', ...response }).send('x')
      })
      const port = await listen(app)
      for (const call of [1, 2]) {
        expect((await rawRequest({ port, target: '/x', fields })).status).toBe(200)
        expect(calls).toBe(call)
      }
      expect((await strata.operator.status()).entries).toBe(0)
    },
  )

  const TEXT = 'compress me '.repeat(500)
  const decode = (answer: RawResponse): string => {
    const coding = answer.field('content-encoding')
    const body =
      coding === 'gzip'
        ? gunzipSync(answer.body)
        : coding === 'br'
          ? brotliDecompressSync(answer.body)
          : answer.body
    return body.toString()
  }
  describe.each(['before', 'after'])('compression() %s Strata', where => {
    test('to each client the coding that it takes, once', async () => {
      const strata = await openStrata()
      let calls = 0
      const app = make()
      if (where === 'before') app.use(compression())
      app.use(strata.middleware())
      if (where === 'after') app.use(compression())
      app.get('/x', (req, res) => {
        calls++
        res.type('text/plain').set('Cache-Control', 'max-age=60')
        if (req.query.streamed === undefined) return void res.send(TEXT)
        res.write(TEXT.slice(0, 3000))
        setImmediate(() => res.end(TEXT.slice(3000)))
      })
      const port = await listen(app)
      const get = (target: string, coding: string | undefined, method = 'GET') =>
        rawRequest({
          port,
          target,
          method,
          fields: coding === undefined ? [] : [['Accept-Encoding', coding]],
        })
      for (const target of ['/x', '/x?streamed']) {
        for (const round of [1, 2]) {
          for (const [coding, expected] of [
            ['gzip', 'gzip'],
            ['br', 'br'],
            ['identity', undefined],
            ['gzip;q=0', undefined],
            [undefined, undefined],
          ] as const) {
            const answer = await get(target, coding)
            expect(answer).toMatchObject({ status: 200, complete: true })
            expect(answer.field('content-encoding')).toBe(expected)
            expect(answer.field('vary')).toMatch(/Accept-Encoding/i)
            expect(decode(answer)).toBe(TEXT)
            if (round === 2) expect(answer.field('x-cache')).toBe('HIT')
          }
        }
        expect((await get(target, 'gzip', 'HEAD')).body.length).toBe(0)
        const etag = (await get(target, 'gzip')).field('etag')
        if (etag !== undefined) {
          const fields: [string, string][] = [
            ['Accept-Encoding', 'gzip'],
            ['If-None-Match', etag],
          ]
          expect((await rawRequest({ port, target, fields })).status).toBe(304)
        }
      }
      expect(calls).toBeLessThanOrEqual(where === 'before' ? 2 : 10)
    })
  })

  test('compression() before Strata, a stale answer and its refresh', async () => {
    const strata = await openStrata()
    let calls = 0
    const app = make()
    app.use(compression(), strata.middleware())
    app.get('/x', (_req, res) => {
      res
        .set('Cache-Control', ++calls === 1 ? 'max-age=0, stale-while-revalidate=60' : 'max-age=60')
        .type('text/plain')
        .send(TEXT + calls)
    })
    const port = await listen(app)
    const get = () => rawRequest({ port, target: '/x', fields: [['Accept-Encoding', 'gzip']] })
    expect(decode(await get())).toBe(`${TEXT}1`)
    const stale = await get()
    expect([stale.field('x-cache'), decode(stale)]).toEqual(['STALE', `${TEXT}1`])
    let last = await get()
    for (let i = 0; i < 200 && last.field('x-cache') !== 'HIT'; i++) last = await get()
    expect([last.field('x-cache'), decode(last), calls]).toEqual(['HIT', `${TEXT}2`, 2])
  })
})
