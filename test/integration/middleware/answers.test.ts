import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import express, { type Express, type Response } from 'express'
import express4 from 'express4'
import { createReadStream } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { rawRequest } from '../../support/raw-client.js'
import { closeAll, listen, openStrata } from '../../support/mounted-strata.js'

const TEXT = 'tile bytes '.repeat(20)
let file = ''
beforeAll(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'strata-')), 'file.txt')
  await writeFile(file, TEXT)
})
afterEach(closeAll)

const types = { 'Content-Type': 'text/plain; charset=utf-8' }
const ways: Record<string, (res: Response) => void> = {
  'res.send of a string': res => res.type('text/plain').send(TEXT),
  'res.send of a buffer': res => res.type('text/plain; charset=utf-8').send(Buffer.from(TEXT)),
  'res.end of all': res => res.type('text/plain').end(TEXT),
  'res.write and res.end': res => {
    res.type('text/plain')
    res.write(TEXT.slice(0, 7))
    res.write(Buffer.from(TEXT.slice(7, 30)))
    res.end(TEXT.slice(30))
  },
  'res.write in base64 with callbacks, and its memory used again': res => {
    const memory = Buffer.from(TEXT.slice(0, 9))
    res.type('text/plain').write(memory, () => {
      memory.fill('!')
      res.write(Buffer.from(TEXT.slice(9)).toString('base64'), 'base64', () => res.end())
    })
  },
  'writeHead with an object': res => res.writeHead(200, types).end(TEXT),
  'writeHead with a reason and an object': res => res.writeHead(200, 'OK', types).end(TEXT),
  'writeHead with a flat list': res => res.writeHead(200, Object.entries(types).flat()).end(TEXT),
  'writeHead with pairs': res => res.writeHead(200, Object.entries(types) as never).end(TEXT),
  'flushHeaders first': res => {
    res.type('text/plain').flushHeaders()
    setImmediate(() => res.end(TEXT))
  },
  'stream.pipe': res => void Readable.from([TEXT.slice(0, 5), TEXT.slice(5)]).pipe(res.type('text/plain')),
  'stream.pipeline': res => {
    pipeline(createReadStream(file, { highWaterMark: 16 }), res.type('text/plain'), error => {
      if (error) throw error
    })
  },
  'res.sendFile': res => res.sendFile(file),
  'res.download': res => res.download(file),
}

function app(make: () => Express, route: (res: Response) => void): { app: Express; calls: () => number } {
  let calls = 0
  const made = make()
  made.get('/x', (_req, res) => {
    calls++
    res.set('Cache-Control', 'max-age=60')
    route(res)
  })
  return { app: made, calls: () => calls }
}

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('%s', (_name, make) => {
  test.each(Object.entries(ways))(
    '%s: the same answer from the handler and from the cache',
    async (_way, route) => {
      const strata = await openStrata()
      const { app: inner, calls } = app(make, route)
      const outer = make()
      outer.use(strata.middleware())
      outer.use(inner)
      const port = await listen(outer)
      const miss = await rawRequest({ port, target: '/x' })
      const hit = await rawRequest({ port, target: '/x' })
      for (const answer of [miss, hit]) {
        expect(answer).toMatchObject({ status: 200, complete: true })
        expect(answer.body.toString()).toBe(TEXT)
        expect(answer.field('content-type')?.toLowerCase()).toBe('text/plain; charset=utf-8')
      }
      expect([miss.field('x-cache'), hit.field('x-cache')]).toEqual(['MISS', 'HIT'])
      expect(hit.field('content-length')).toBe(String(TEXT.length))
      expect(calls()).toBe(1)
      const head = await rawRequest({ port, target: '/x', method: 'HEAD' })
      expect(head).toMatchObject({ status: 200, complete: true })
      expect(head.field('x-cache')).toBe('HIT')
      expect(head.field('content-length')).toBe(String(TEXT.length))
      expect(calls()).toBe(1)
    },
  )

  test('statuses without a body, redirects and a 404', async () => {
    const strata = await openStrata()
    let calls = 0
    const web = make()
    web.use(strata.middleware(), (_req, res, next) => {
      calls++
      res.set('Cache-Control', 'max-age=60')
      next()
    })
    web.get('/204', (_req, res) => void res.sendStatus(204))
    web.get('/status', (_req, res) => void res.sendStatus(410))
    web.get('/to', (_req, res) => res.redirect(301, '/there'))
    const port = await listen(web)
    const expected = {
      '/204': [204, ''],
      '/status': [410, 'Gone'],
      '/to': [301, 'Moved Permanently. Redirecting to /there'],
    }
    for (const [target, [status, body]] of Object.entries(expected)) {
      for (const cache of ['MISS', 'HIT']) {
        const answer = await rawRequest({ port, target })
        expect(answer).toMatchObject({ status, complete: true })
        expect(answer.body.toString()).toBe(body)
        expect(answer.field('x-cache')).toBe(cache)
        if (status === 301) expect(answer.field('location')).toBe('/there')
        if (status === 204) expect(answer.field('content-length')).toBeUndefined()
      }
    }
    const missing = await rawRequest({ port, target: '/none' })
    expect(missing.status).toBe(404)
    expect((await rawRequest({ port, target: '/none' })).field('x-cache')).toBe('HIT')
    expect(calls).toBe(4)
  })

  test('json keeps its entity tag: 304 for who has it, and a 304 of the handler refreshes what is stored', async () => {
    const strata = await openStrata()
    const seen: (string | undefined)[] = []
    const web = make()
    web.get('/x', strata.middleware(), (req, res) => {
      seen.push(req.headers['if-none-match'])
      res.set('Cache-Control', req.query.a === '1' ? 'max-age=60' : 'no-cache').json({ a: 1 })
    })
    const port = await listen(web)
    const first = await rawRequest({ port, target: '/x?a=1', fields: [['If-None-Match', '"other"']] })
    expect(first.status).toBe(200)
    const etag = first.field('etag')!
    expect(etag).toMatch(/^W\/"/)
    expect(seen).toEqual([undefined])
    const conditional = await rawRequest({ port, target: '/x?a=1', fields: [['If-None-Match', etag]] })
    expect([conditional.status, conditional.field('x-cache'), conditional.body.length]).toEqual([
      304,
      'HIT',
      0,
    ])

    const cold = await rawRequest({ port, target: '/x?a=2', fields: [['If-None-Match', etag]] })
    expect([cold.status, cold.body.length]).toEqual([304, 0])
    expect(seen).toEqual([undefined, undefined])
    const again = await rawRequest({ port, target: '/x?a=2' })
    expect(seen).toEqual([undefined, undefined, etag])
    expect([again.status, again.field('x-cache'), again.body.toString()]).toEqual([
      200,
      'REVALIDATED',
      '{"a":1}',
    ])
  })

  test('a body that follows a 304 to the first client is stored whole', async () => {
    const strata = await openStrata()
    const web = make()
    web.get('/x', strata.middleware(), (_req, res) => {
      res.writeHead(200, { 'Cache-Control': 'max-age=60', ETag: '"1"' })
      res.write('one, ')
      setImmediate(() => res.end('two'))
    })
    const port = await listen(web)
    const first = await rawRequest({ port, target: '/x', fields: [['If-None-Match', '"1"']] })
    expect([first.status, first.body.length]).toEqual([304, 0])
    const next = await rawRequest({ port, target: '/x' })
    expect([next.field('x-cache'), next.body.toString()]).toEqual(['HIT', 'one, two'])
  })

  test('ranges: what the handler gives of a file, and what the cache cuts of a whole', async () => {
    const strata = await openStrata()
    let calls = 0
    const web = make()
    web.use(strata.middleware())
    web.get('/file', (_req, res) => {
      calls++
      res.sendFile(file, { maxAge: 60_000 })
    })
    const port = await listen(web)
    const part = await rawRequest({ port, target: '/file', fields: [['Range', 'bytes=2-5']] })
    expect([part.status, part.body.toString()]).toEqual([206, TEXT.slice(2, 6)])
    const whole = await rawRequest({ port, target: '/file' })
    expect([whole.status, whole.body.toString()]).toEqual([200, TEXT])
    const before = calls
    const cut = await rawRequest({ port, target: '/file', fields: [['Range', 'bytes=10-19']] })
    expect([cut.status, cut.field('x-cache'), cut.body.toString()]).toEqual([206, 'HIT', TEXT.slice(10, 20)])
    expect(cut.field('content-range')).toBe(`bytes 10-19/${TEXT.length}`)
    expect(calls).toBe(before)
  })
})
