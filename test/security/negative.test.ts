import { afterAll, describe, expect, test } from '@jest/globals'
import { gzipSync } from 'node:zlib'
import { KINDS, open } from './rig/fronts.js'
import { makeReflector } from './rig/reflector.js'
import { Tally } from './rig/tally.js'
import { ask, type Ask, type Field } from './rig/wire.js'

/** What one request makes of an answer that others must not get: errors, redirects, private pages, codings. */

const attacks = new Tally()
afterAll(() => attacks.report())

const FRESH = 'public, max-age=60'

/** Answers in ways that depend on the request and says of all of them that they are fresh. */
const fragile = () =>
  makeReflector({
    '/': (req, res) => {
      const { headers } = req
      const total = req.rawHeaders.join('').length
      res.setHeader('Cache-Control', FRESH)
      const odd = Object.entries(headers).find(
        ([name, value]) => name !== 'host' && /[^\x20-\x7e]|<|%/.test(String(value)),
      )
      if (total > 4000) res.statusCode = 400
      else if (odd !== undefined) res.statusCode = 400
      else if (headers['x-http-method-override'] !== undefined) res.statusCode = 405
      else if (headers['x-forwarded-scheme'] === 'http' || headers['x-forwarded-proto'] === 'ftp') {
        res.statusCode = 301
        res.setHeader('Location', `https://${String(headers['x-forwarded-host'] ?? 'site.example')}/`)
      } else if (headers['x-amz-server-side-encryption'] !== undefined) res.statusCode = 400
      else if (/scanner/i.test(String(headers['user-agent']))) res.statusCode = 403
      else if (headers.range !== undefined && !/^bytes=\d+-\d*$/.test(headers.range)) res.statusCode = 416
      else if (headers.upgrade !== undefined) res.statusCode = 426
      else if (headers.expect !== undefined) res.statusCode = 417
      else if (headers['content-type'] !== undefined) res.statusCode = 415
      else if (headers['if-match'] !== undefined) res.statusCode = 412
      else if (headers.accept === 'application/x-none') res.statusCode = 406
      else if (headers['sec-fetch-site'] === 'cross-site') res.statusCode = 403
      else if (headers['accept-language'] === 'xx') res.statusCode = 500
      else if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0)
        res.statusCode = 400
      res.end(`status ${res.statusCode}`)
    },
  })

const POISON: Record<string, Omit<Ask, 'target'>> = {
  'one field too long': { fields: [['X-Oversized', 'x'.repeat(8000)]] },
  'many fields': { fields: Array.from({ length: 60 }, (_, i): Field => [`X-Field-${i}`, 'x'.repeat(100)]) },
  'a long Accept': { fields: [['Accept', `text/html${',text/html'.repeat(600)}`]] },
  'a long Accept-Language': { fields: [['Accept-Language', `en${',en'.repeat(2000)}`]] },
  'a long User-Agent': { fields: [['User-Agent', 'x'.repeat(8000)]] },
  'a long Referer': { fields: [['Referer', `https://site.example/${'x'.repeat(8000)}`]] },
  'a long Cookie': { fields: [['Cookie', `a=${'x'.repeat(8000)}`]] },
  'a long Origin': { fields: [['Origin', `https://${'x'.repeat(8000)}`]] },
  'a long Range': { fields: [['Range', `bytes=${'0-1,'.repeat(2000)}0-1`]] },
  'a long If-None-Match': { fields: [['If-None-Match', `"${'x'.repeat(8000)}"`]] },
  'meta characters': { fields: [['X-Meta', 'a\tb\x80\xff']] },
  'meta characters in User-Agent': { fields: [['User-Agent', 'Mozilla/5.0 \x80<']] },
  'meta characters in Accept': { fields: [['Accept', '\xff/\xff']] },
  'a method override': { fields: [['X-HTTP-Method-Override', 'DELETE']] },
  'a scheme': {
    fields: [
      ['X-Forwarded-Scheme', 'http'],
      ['X-Forwarded-Host', 'evil.example'],
    ],
  },
  'a protocol': { fields: [['X-Forwarded-Proto', 'ftp']] },
  'a field of the origin’s platform': { fields: [['X-Amz-Server-Side-Encryption', 'x']] },
  'a blocked client': { fields: [['User-Agent', 'scanner/1.0']] },
  'a range of no bytes': { fields: [['Range', 'bytes=cow']] },
  'a range that is none': { fields: [['Range', 'x']] },
  'an upgrade': {
    fields: [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'h2c'],
    ],
  },
  'a media type': { fields: [['Content-Type', 'x']] },
  'If-Match': { fields: [['If-Match', '"x"']] },
  'an Accept that cannot be met': { fields: [['Accept', 'application/x-none']] },
  'another site': { fields: [['Sec-Fetch-Site', 'cross-site']] },
  'a language that breaks it': { fields: [['Accept-Language', 'xx']] },
  'GET with content': { body: 'x' },
  HEAD: { method: 'HEAD', fields: [['X-Oversized', 'x'.repeat(8000)]] },
  POST: { method: 'POST', body: 'x' },
  OPTIONS: { method: 'OPTIONS' },
  'a method that nobody knows': { method: 'PROPFIND' },
}

describe.each(KINDS)('%s', kind => {
  test('no error, redirect or refusal that one request brings about is another’s answer', async () => {
    const [front, control] = [await open(kind, {}, fragile()), await open(kind, {}, fragile())]
    try {
      let i = 0
      for (const [name, request] of Object.entries(POISON)) {
        const target = `/poison/${++i}`
        for (let times = 0; times < 2; times++) await ask(front.port, { target, ...request })
        await attacks.victim(`${kind}: ${name}`, front, control, { target })
      }
    } finally {
      await front.close()
      await control.close()
    }
    expect(attacks.succeeded).toEqual([])
  })

  test('statuses without an explicit lifetime, and those that requests bring about, are not stored', async () => {
    const statuses = makeReflector({
      '/': (req, res) => {
        const [, status, how] = (req.url ?? '').split('/')
        res.statusCode = Number(status)
        if (how === 'fresh') res.setHeader('Cache-Control', 'max-age=60')
        else res.setHeader('Last-Modified', 'Mon, 01 Jan 2001 00:00:00 GMT')
        res.end('x')
      },
    })
    const front = await open(kind, { defaults: { ttl: 60 } }, statuses)
    try {
      const heuristic = [
        300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 414, 429, 431, 451, 500, 501, 502, 503,
        504, 599,
      ]
      const induced = [
        400, 401, 403, 405, 406, 408, 411, 413, 414, 415, 417, 421, 422, 426, 428, 429, 431, 500, 501, 502,
        503, 504, 505, 599,
      ]
      for (const target of [...heuristic.map(s => `/${s}/plain`), ...induced.map(s => `/${s}/fresh`)]) {
        await ask(front.port, { target })
        const second = await ask(front.port, { target })
        attacks.record(`${kind}: ${target}`, second.field('x-cache') === 'HIT' && 'stored')
      }
      // Explicitly fresh, and allowed.
      for (const target of ['/404/fresh', '/301/fresh', '/410/fresh']) {
        await ask(front.port, { target })
        expect((await ask(front.port, { target })).field('x-cache')).toBe('HIT')
      }
    } finally {
      await front.close()
    }
    expect(attacks.succeeded).toEqual([])
  })

  test('what is meant to be private is not stored, however it is spelt, whatever a rule says', async () => {
    const lines = [
      ...[
        'private',
        'PRIVATE',
        'private, max-age=60',
        'max-age=60, private',
        'no-store',
        'No-Store, max-age=60',
      ],
      ...[
        'no-store=1, max-age=60',
        'private=1, max-age=60',
        'private=true, max-age=60',
        'max-age=60; private',
        'max-age=60;no-store',
      ],
      ...[
        'nostore, max-age=60',
        'no_store, max-age=60',
        'no-stor, max-age=60',
        'privat, max-age=60',
        'priavte, max-age=60',
      ],
      ...[
        '"private", max-age=60',
        '"no-store", max-age=60',
        'max-age=60, "private',
        'max-age=60 private',
        'no store, max-age=60',
      ],
      ...[
        'max-age=60, \u00a0private',
        'max-age=60, private\u00a0',
        'private="a, max-age=60',
        'private:, max-age=60',
      ],
    ]
    const front = await open(
      kind,
      { rules: [{ match: '/**', ttl: 3600, overrideTtl: 3600 }] },
      makeReflector({
        '/': (req, res) => {
          const i = Number((req.url ?? '').slice(1))
          if (i < lines.length) res.setHeader('Cache-Control', lines[i]!)
          if (i === 900) res.setHeader('Set-Cookie', 'session=1')
          if (i === 901) res.setHeader('Vary', '*')
          if (i === 902) res.setHeader('Vary', 'Accept, *')
          res.end(`secret ${Math.random()}`)
        },
      }),
    )
    try {
      for (const i of [...lines.keys(), 900, 901, 902]) {
        const name = lines[i] ?? ['Set-Cookie', 'Vary: *', 'Vary with *'][i - 900]!
        const first = await ask(front.port, { target: `/${i}` })
        const second = await ask(front.port, { target: `/${i}` })
        // A value that node refuses to send is the test's own fault.
        attacks.record(`${kind}: ${name}`, first.status === 200 && first.body === second.body && 'stored')
      }
      for (const field of [
        ['Authorization', 'Bearer x'],
        ['Cookie', 'a=b'],
      ] as const) {
        const request = { target: '/999', fields: [field] }
        const first = await ask(front.port, request)
        const other = await ask(front.port, { target: '/999' })
        attacks.record(`${kind}: ${field[0]}`, first.body === other.body && 'shared')
      }
    } finally {
      await front.close()
    }
    expect(attacks.succeeded).toEqual([])
  })

  test('no coding that a client does not take', async () => {
    const coded = makeReflector({
      '/': (req, res) => {
        res.setHeader('Cache-Control', FRESH)
        res.setHeader('Content-Encoding', 'gzip')
        if (req.url!.startsWith('/vary')) res.setHeader('Vary', 'Accept-Encoding')
        res.end(gzipSync('text'))
      },
    })
    const front = await open(kind, {}, coded)
    try {
      for (const target of ['/plain', '/vary']) {
        await ask(front.port, { target, fields: [['Accept-Encoding', 'gzip']] })
        for (const accept of ['identity', 'br', 'gzip;q=0', '', 'deflate, *;q=0']) {
          const got = await ask(front.port, { target, fields: [['Accept-Encoding', accept]] })
          attacks.record(
            `${kind}: gzip for ${accept}`,
            got.field('content-encoding') !== undefined && 'served',
          )
        }
        const before = front.seen.length
        await ask(front.port, { target })
        attacks.record(
          `${kind}: gzip from the store for who names none`,
          front.seen.length === before && 'served',
        )
      }
    } finally {
      await front.close()
    }
    expect(attacks.succeeded).toEqual([])
  })
})
