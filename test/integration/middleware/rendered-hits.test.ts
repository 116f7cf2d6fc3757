import { afterEach, describe, expect, test } from '@jest/globals'
import express, { type RequestHandler, type Response } from 'express'
import http, { ServerResponse } from 'node:http'
import { once } from 'node:events'
import { closeAll, listen, onClose, openStrata, until } from '../../support/mounted-strata.js'

/**
 * Behind other middleware, the head of a hit in memory is kept with the fields that were set before ours, and sent again when the very
 * same come before the next. Made in the ordinary way (here: because somebody has wrapped `writeHead`) it must be the same bytes.
 */

afterEach(closeAll)

interface Answer {
  readonly status: number
  readonly fields: readonly string[]
  readonly body: string
}

async function ask(port: number, agent: http.Agent, options: http.RequestOptions): Promise<Answer> {
  const request = http.request({ host: '127.0.0.1', port, path: '/x', agent, ...options }).end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let body = ''
  for await (const chunk of response.setEncoding('latin1')) body += String(chunk)
  const fields: string[] = []
  for (let i = 0; i < response.rawHeaders.length; i += 2) {
    const name = response.rawHeaders[i]!
    const value = response.rawHeaders[i + 1]!
    fields.push(`${name}: ${/^(age|cache-status)$/i.test(name) ? value.replace(/\d+/g, 'n') : value}`)
  }
  return { status: response.statusCode!, fields, body }
}

const wrapped: RequestHandler = (req, res, next) => {
  if (req.headers['x-ordinary'] === undefined) return next()
  res.writeHead = function (this: Response, ...args: unknown[]) {
    return (ServerResponse.prototype.writeHead as (...args: unknown[]) => Response).apply(this, args)
  } as Response['writeHead']
  next()
}

/** An app that sets fields before the cache; `last()`: the response to the last request. */
async function mount(before: RequestHandler) {
  const strata = await openStrata()
  let last: Response | undefined
  let calls = 0
  const app = express()
  app.use((_req, res, next) => {
    last = res
    next()
  })
  app.use(wrapped, before, strata.middleware())
  app.use((_req, res) => {
    calls++
    res.set({ 'Cache-Control': 'max-age=600', ETag: '"a"', Vary: 'Accept', 'Content-Type': 'text/x-own' })
    res.send('the body of it')
  })
  const port = await listen(app)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  onClose(() => agent.destroy())
  return { app, port, agent, last: () => last!, calls: () => calls }
}

const none: RequestHandler = (_req, _res, next) => next()
const sets: readonly (readonly [string, RequestHandler])[] = [
  ['nothing but what Express sets', none],
  [
    'several fields, some of them ours, in other case',
    (_req, res, next) => {
      res.setHeader('x-frame-OPTIONS', 'DENY')
      res.setHeader('content-type', 'text/theirs')
      res.setHeader('X-Number', 7)
      res.setHeader('x-cache', 'theirs')
      next()
    },
  ],
  [
    'fields that are added to',
    (_req, res, next) => {
      res.setHeader('Set-Cookie', ['a=1', 'b=2'])
      res.vary('Origin')
      next()
    },
  ],
  [
    'a length that is wrong',
    (_req, res, next) => {
      res.setHeader('Content-Length', '99999')
      next()
    },
  ],
]

const requests: readonly (readonly [string, http.RequestOptions])[] = [
  ['the whole', {}],
  ['HEAD', { method: 'HEAD' }],
  ['a 304', { headers: { 'If-None-Match': '"a"' } }],
  ['a range', { headers: { Range: 'bytes=4-7' } }],
]

describe.each(sets)('before the cache: %s', (_name, before) => {
  test.each(requests)('%s is the same as in the ordinary way', async (_request, options) => {
    const { port, agent, last, calls } = await mount(before)
    await ask(port, agent, {})
    const ordinary = await ask(port, agent, {
      ...options,
      headers: { ...options.headers, 'X-Ordinary': '1' },
    })
    expect(ordinary.fields).toContain('X-Powered-By: Express')
    expect(last().getHeader('cache-status')).toBeDefined()
    // Set one by one, they are found on the response; so this tells when a kept head was sent.
    await until('a kept head is sent', async () => {
      expect(await ask(port, agent, options)).toEqual(ordinary)
      return last().getHeader('cache-status') === undefined
    })
    expect(await ask(port, agent, options)).toEqual(ordinary)
    expect(calls()).toBe(1)
  })
})

test('fields that differ from request to request are each answered with their own', async () => {
  let id = 0
  const { port, agent } = await mount((_req, res, next) => {
    res.setHeader('X-Request-Id', String(++id))
    next()
  })
  for (let i = 1; i <= 5; i++) {
    const { fields } = await ask(port, agent, {})
    expect(fields).toContain(`X-Request-Id: ${i}`)
  }
})

test('two lines are not one line with a comma, though they read the same', async () => {
  const { port, agent } = await mount((req, res, next) => {
    res.setHeader('X-Own', req.headers['x-two'] === undefined ? 'a,b' : ['a', 'b'])
    next()
  })
  await ask(port, agent, {})
  for (let i = 0; i < 3; i++) expect((await ask(port, agent, {})).fields).toContain('X-Own: a,b')
  for (let i = 0; i < 3; i++) {
    const { fields } = await ask(port, agent, { headers: { 'X-Two': '1' } })
    expect(fields.filter(line => line.startsWith('X-Own'))).toEqual(['X-Own: a', 'X-Own: b'])
  }
})

test('a connection that is to be closed is closed, each time', async () => {
  const { port, agent } = await mount((_req, res, next) => {
    res.setHeader('Connection', 'close')
    next()
  })
  for (let i = 0; i < 4; i++) expect((await ask(port, agent, {})).fields).toContain('Connection: close')
})

test('who waits for the end of a response finds its fields on it', async () => {
  const found: unknown[] = []
  const { port, agent } = await mount((_req, res, next) => {
    res.on('finish', () => found.push(res.getHeader('x-cache')))
    next()
  })
  for (let i = 0; i < 4; i++) await ask(port, agent, {})
  await until('all have ended', () => found.length === 4)
  expect(found.slice(1)).toEqual(['HIT', 'HIT', 'HIT'])
})

test('a middleware that wraps `end` sees each answer', async () => {
  let ends = 0
  const { port, agent } = await mount((_req, res, next) => {
    const end = res.end.bind(res) as (...args: unknown[]) => Response
    res.end = ((...args: unknown[]) => {
      ends++
      return end(...args)
    }) as Response['end']
    next()
  })
  for (let i = 0; i < 4; i++) expect((await ask(port, agent, {})).body).toBe('the body of it')
  expect(ends).toBe(4)
})
