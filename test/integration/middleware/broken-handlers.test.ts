import { afterEach, describe, expect, test } from '@jest/globals'
import express, { type ErrorRequestHandler, type Response } from 'express'
import express4 from 'express4'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { rawRequest } from '../../support/raw-client.js'
import { closeAll, listen, openStrata } from '../../support/mounted-strata.js'

afterEach(closeAll)

const quiet: ErrorRequestHandler = (error, _req, res, next) =>
  res.headersSent ? next(error) : void res.status(503).json({ error: (error as Error).message })

/** Ways to break off a body of which a part is out. */
const cuts: Record<string, (res: Response, next: (error: unknown) => void) => void> = {
  throws: () => {
    throw new Error('after the head')
  },
  'calls next(error) later': (_res, next) => void setImmediate(next, new Error('after the head')),
  'destroys the response': res => void setImmediate(() => res.destroy()),
  'destroys the connection': res => void setImmediate(() => res.req.socket.destroy()),
  'pipes a source that breaks': res => {
    const source = new Readable({ read() {} })
    source.on('error', () => {})
    source.pipe(res)
    source.push('more')
    setImmediate(() => source.destroy(new Error('upstream')))
  },
  'ends the response after a piped source broke': res => {
    const source = new Readable({ read() {} })
    source.on('error', () => res.end('sorry'))
    source.pipe(res)
    source.push('more')
    setImmediate(() => source.destroy(new Error('upstream')))
  },
  'ends short of its Content-Length': res => void setImmediate(() => res.end()),
}

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('%s', (_name, make) => {
  test.each(Object.keys(cuts))(
    'a handler that %s: the client sees the cut, and nothing is stored',
    async way => {
      const strata = await openStrata()
      let calls = 0
      const web = make()
      web.use(strata.middleware())
      web.get('/x', (_req, res, next) => {
        calls++
        res.set({ 'Cache-Control': 'max-age=60', 'Content-Length': '100' })
        res.write('begun')
        cuts[way]!(res, next)
      })
      web.use(quiet)
      const port = await listen(web)
      for (const call of [1, 2]) {
        const answer = await rawRequest({ port, target: '/x' })
        expect(answer).toMatchObject({ status: 200, complete: false })
        expect(answer.field('x-cache')).toBe('MISS')
        expect(answer.body.toString()).toMatch(/^begun/)
        expect(calls).toBe(call)
      }
      expect((await strata.operator.status()).entries).toBe(0)
    },
  )

  test("errors before the head are the application's own to answer", async () => {
    const strata = await openStrata()
    const web = make()
    web.use(strata.middleware())
    web.get('/throws', () => {
      throw new Error('early')
    })
    web.get('/status', (_req, res) => {
      res.statusCode = 42
      res.end('?')
    })
    web.get('/fallback', (_req, res) => {
      const missing = createReadStream('/nowhere/at/all')
      missing.on('error', () => void setImmediate(() => res.status(404).end('no such file')))
      missing.pipe(res)
    })
    web.use(quiet)
    const port = await listen(web)
    const thrown = await rawRequest({ port, target: '/throws' })
    expect([thrown.status, thrown.body.toString()]).toEqual([503, '{"error":"early"}'])
    const status = await rawRequest({ port, target: '/status' })
    expect([status.status, status.body.toString()]).toEqual([503, '{"error":"Invalid status code: 42"}'])
    const fallback = await rawRequest({ port, target: '/fallback' })
    expect([fallback.status, fallback.body.toString()]).toEqual([404, 'no such file'])
  })

  test('a response destroyed before its head is a 502', async () => {
    const strata = await openStrata()
    const web = make()
    web.get('/x', strata.middleware(), (_req, res) => void res.destroy())
    const port = await listen(web)
    const answer = await rawRequest({ port, target: '/x' })
    expect(answer).toMatchObject({ status: 502, complete: true })
  })
})

test('a plain listener that throws: an answer, and the key is free again', async () => {
  const strata = await openStrata()
  let calls = 0
  const port = await listen(
    strata.handler((_req, res) => {
      if (++calls === 1) throw new Error('once')
      res.setHeader('Cache-Control', 'max-age=60').end('well')
    }),
  )
  expect((await rawRequest({ port, target: '/x' })).status).toBe(500)
  expect((await rawRequest({ port, target: '/x' })).body.toString()).toBe('well')
})

test('what handlers see of their response, on a miss', async () => {
  const strata = await openStrata()
  const seen: unknown[] = []
  const port = await listen(
    strata.handler((req, res) => {
      res.on('finish', () => seen.push('finish', res.writableFinished))
      res.on('close', () => seen.push('close', res.writableEnded))
      res.setHeader('X-A', '1')
      seen.push(res.headersSent, res.writableEnded, res.finished, res.destroyed, res.getHeader('x-a'))
      seen.push(req.destroyed, req.aborted, res.statusCode, res.socket === req.socket, res.hasHeader('x-b'))
      res.writeHead(201, { 'Cache-Control': 'max-age=60' })
      seen.push(res.headersSent, res.statusCode)
      expect(() => res.setHeader('X-B', '1')).toThrow(
        expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }),
      )
      expect(() => res.writeHead(200)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }))
      res.end('a')
      seen.push(res.writableEnded, res.writableFinished)
      expect(res.end('b')).toBe(res)
      expect(res.write('c')).toBe(false)
    }),
  )
  const answer = await rawRequest({ port, target: '/x' })
  expect([answer.status, answer.body.toString()]).toEqual([201, 'a'])
  expect(seen).toEqual([
    ...[false, false, false, false, '1'],
    ...[false, false, 200, true, false],
    ...[true, 201],
    ...[true, false],
    ...['finish', true, 'close', true],
  ])
})
