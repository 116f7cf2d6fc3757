import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { KINDS, open, type Front } from './rig/fronts.js'
import { makeReflector } from './rig/reflector.js'
import { Tally } from './rig/tally.js'
import { ask, send, SITE, type Field } from './rig/wire.js'

/** Targets and hosts that two readers take for different ones; private pages under names that look public. */

const attacks = new Tally()
afterAll(() => attacks.report())

const DELIMITERS = [
  '%2f',
  '%2F',
  '%3f',
  '%23',
  '%00',
  '%0a',
  '%0d%0a',
  '%3b',
  ';',
  '//',
  '\\',
  '%5c',
  '/..',
  '/../',
  '/%2e%2e/',
  '/..%2f',
  '/.',
  '%252f',
  '%c0%af',
  '%09',
  '%20',
  '@',
  ':',
  ',',
  '!',
  '$',
  '~',
  '*',
  "'",
  '|',
  '%7c',
  '.',
]

/** An account page for who is logged in by cookie or token; the origin forgot Cache-Control. It decodes paths as lenient servers do. */
const account = () =>
  makeReflector({
    '/': (req, res) => {
      const path = decodeURIComponent(
        (req.url ?? '')
          .split('?')[0]!
          .replace(/%(?![0-9a-f]{2})/gi, '%25')
          .replace(/%c0%af/gi, '/'),
      )
      const isAccount = /(^|\/)account/.test(path)
      const who = req.headers.cookie ?? req.headers.authorization
      if (!isAccount || who === undefined) {
        res.setHeader('Cache-Control', 'max-age=60')
        return void res.end('public')
      }
      res.end(`secret of ${String(who)}`)
    },
  })

const RULES = [
  { match: '/static/**', ttl: 3600 },
  { match: '**/*.{css,js,png,jpg,ico,woff2}', ttl: 3600 },
]

describe.each(KINDS)('%s', kind => {
  let front: Front
  let control: Front
  beforeEach(async () => {
    front = await open(kind, { rules: RULES }, account())
    control = await open(kind, { rules: RULES }, account())
  })
  afterEach(async () => {
    await front.close()
    await control.close()
  })

  test('web cache deception: suffixes, delimiters, dot segments', async () => {
    const targets = [
      ...['/account/x.css', '/account.css', '/account/;x.js', '/account?x.png', '/account/..%2fx.css'],
      ...DELIMITERS.map(delimiter => `/account${delimiter}x.css`),
      ...DELIMITERS.map(delimiter => `/static${delimiter}account`),
      ...DELIMITERS.map(delimiter => `/static/..${delimiter}account`),
      ...DELIMITERS.map(delimiter => `/account${delimiter}/static/x`),
    ]
    for (const target of targets) {
      const credentials: Field[] = [
        ['Cookie', 'session=victim'],
        ['Authorization', 'Bearer victim'],
      ]
      for (const credential of credentials) {
        await ask(front.port, { target, fields: [credential] })
        await attacks.victim(`${kind}: ${target} with ${credential[0]}`, front, control, { target })
      }
    }
    expect(attacks.succeeded).toEqual([])
  }, 120_000)

  test('cookies that a rule forwards do not make a page public under another rule’s name', async () => {
    const rules = [{ match: '/static/**', ttl: 3600, cookies: 'forward' as const }]
    const loose = await open(kind, { rules }, account())
    try {
      for (const target of [
        '/static/..%2faccount',
        '/static/../account',
        '/static/%2e%2e/account',
        '/static/..;/account',
        '/static\\..\\account',
        '/static%2f..%2faccount',
        '/static/x/..%2f..%2faccount',
      ]) {
        await ask(loose.port, { target, fields: [['Cookie', 'session=victim']] })
        const got = await ask(loose.port, { target })
        attacks.record(`${kind}: ${target}`, got.body.includes('secret') && got.body)
      }
    } finally {
      await loose.close()
    }
    expect(attacks.succeeded).toEqual([])
  })
})

describe.each(KINDS)('%s: one key for each request that the origin sees', kind => {
  let front: Front
  beforeEach(async () => {
    front = await open(kind)
  })
  afterEach(() => front.close())

  test('targets', async () => {
    const paths = [
      '/a/b',
      ...DELIMITERS.flatMap(d => [`/a${d}b`, `/a/b${d}`]),
      '/A/b',
      '/a/b/',
      '/a/b?',
      '/a/b?x',
      '/a/b?x=1&x=2',
      '/a/b?x=2&x=1',
      '/a%2Fb',
      '/a/%62',
    ]
    for (const target of paths) {
      const got = await ask(front.port, { target })
      // Refused, or the answer to this very target.
      const own = got.status === 400 || got.body.startsWith(`GET ${target}\n`)
      attacks.record(`${kind}: ${target}`, !own && `${got.status} ${got.body.slice(0, 60)}`)
    }
    expect(attacks.succeeded).toEqual([])
  })

  test('hosts', async () => {
    const first = await ask(front.port, { target: '/host', host: 'site.example' })
    // One spelling for one host, in the key and for the origin.
    for (const [i, host] of [
      'SITE.example',
      'site.example.',
      'site.example:80',
      'Site.Example.:80',
    ].entries()) {
      const got = await ask(front.port, { target: '/host', host })
      attacks.record(`${kind}: ${host}`, got.body !== first.body && got.body)
      const fresh = await ask(front.port, { target: `/host/${i}`, host })
      attacks.record(`${kind}: ${host} first`, /SITE|Site|example\.(\n|:)|:80/.test(fresh.body) && fresh.body)
    }
    // Another host is another site.
    for (const host of [
      'evil.example',
      'site.example.evil.example',
      'xsite.example',
      'site.example:81',
      '10.1.2.3',
      '[::1]',
    ]) {
      await ask(front.port, { target: `/two/${host.length}`, host })
      const got = await ask(front.port, { target: `/two/${host.length}` })
      // Where the port is not sent on, it makes no other site.
      const isSame = kind === 'proxy' && host === 'site.example:81'
      attacks.record(`${kind}: ${host} and ${SITE}`, !isSame && got.body.includes(host) && got.body)
    }
    expect(attacks.succeeded).toEqual([])
  })

  test('hosts that nobody may send', async () => {
    const requests: Record<string, string> = {
      twice: 'GET /x HTTP/1.1\r\nHost: site.example\r\nHost: evil.example\r\n',
      'twice, equal': 'GET /x HTTP/1.1\r\nHost: site.example\r\nHost: site.example\r\n',
      list: 'GET /x HTTP/1.1\r\nHost: site.example, evil.example\r\n',
      userinfo: 'GET /x HTTP/1.1\r\nHost: evil.example@site.example\r\n',
      path: 'GET /x HTTP/1.1\r\nHost: site.example/evil\r\n',
      query: 'GET /x HTTP/1.1\r\nHost: site.example?evil\r\n',
      fragment: 'GET /x HTTP/1.1\r\nHost: site.example#evil\r\n',
      backslash: 'GET /x HTTP/1.1\r\nHost: site.example\\evil\r\n',
      port: 'GET /x HTTP/1.1\r\nHost: site.example:80evil\r\n',
      'port of letters': 'GET /x HTTP/1.1\r\nHost: site.example:evil\r\n',
      space: 'GET /x HTTP/1.1\r\nHost: site.example evil\r\n',
      'before a space': 'GET /x HTTP/1.1\r\nHost : evil.example\r\nHost: site.example\r\n',
      folded: 'GET /x HTTP/1.1\r\nHost: site.example\r\n evil.example\r\n',
      percent: 'GET /x HTTP/1.1\r\nHost: site.example%00evil\r\n',
      markup: 'GET /x HTTP/1.1\r\nHost: site.example"><evil\r\n',
      none: 'GET /x HTTP/1.1\r\n',
      'absolute of another': 'GET http://evil.example/x HTTP/1.1\r\nHost: site.example\r\n',
      'absolute with userinfo': 'GET http://evil@site.example/x HTTP/1.1\r\nHost: site.example\r\n',
      'absolute of another scheme': 'GET evil://site.example/x HTTP/1.1\r\nHost: site.example\r\n',
      'absolute without a slash': 'GET http:site.example/x HTTP/1.1\r\nHost: site.example\r\n',
      'authority alone': 'GET evil.example:80 HTTP/1.1\r\nHost: site.example\r\n',
      'a target without a slash': 'GET @evil.example/x HTTP/1.1\r\nHost: site.example\r\n',
      'a fragment in the target': 'GET /x#evil HTTP/1.1\r\nHost: site.example\r\n',
      'a backslash in the target': 'GET \\evil HTTP/1.1\r\nHost: site.example\r\n',
    }
    for (const [name, bytes] of Object.entries(requests)) {
      const before = front.seen.length
      const got = await send(front.port, `${bytes}Connection: close\r\n\r\n`)
      attacks.record(
        `${kind}: ${name}`,
        (!/^HTTP\/1\.1 4\d\d /.test(got) || front.seen.length > before) && got.slice(0, 80),
      )
    }
    expect(attacks.succeeded).toEqual([])
  })

  test('absolute-form is the same request as origin-form', async () => {
    const origin = await ask(front.port, { target: '/form?x' })
    const before = front.seen.length
    const absolute = await ask(front.port, { target: 'http://SITE.example:80/form?x' })
    attacks.record(
      `${kind}: absolute-form hit`,
      (absolute.body !== origin.body || front.seen.length > before) && absolute.body,
    )
    const first = await ask(front.port, { target: 'http://SITE.example:80/form?y' })
    attacks.record(`${kind}: absolute-form first`, !first.body.startsWith('GET /form?y\n') && first.body)
    expect(attacks.succeeded).toEqual([])
  })
})
