import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { FIELD_NAMES } from './rig/names.js'
import { KINDS, open, type Front } from './rig/fronts.js'
import { makeReflector } from './rig/reflector.js'
import { Tally } from './rig/tally.js'
import { ask, type Field } from './rig/wire.js'

/** Inputs that no key holds: one request's must never be in another's answer. */

const attacks = new Tally()
afterAll(() => attacks.report())

const CANARY = 'canary7f3a'

/** Values that are no answer's business, some in the form that the field has, so that they get through where a form is asked for. */
const valuesOf = (name: string): string[] =>
  ({
    accept: [CANARY, `application/${CANARY}`, `text/html;x=${CANARY}`],
    'accept-encoding': [CANARY, `gzip, ${CANARY}`],
    'accept-language': [CANARY, `en-${CANARY}`, `en;q=0.5;${CANARY}`],
    'cache-control': [CANARY, `no-cache, ${CANARY}=1`],
    cookie: [`${CANARY}=1`],
    forwarded: [`host=${CANARY}`, `for=1.2.3.4;proto=https;host=${CANARY}`],
    'if-range': [`"${CANARY}"`],
    origin: [`https://${CANARY}.example`, 'null', CANARY],
    range: [`bytes=0-9;${CANARY}`, `${CANARY}=0-1`],
    referer: [`https://site.example/${CANARY}`],
    'sec-ch-ua': [`"${CANARY}";v="1"`],
    'sec-ch-ua-platform': [`"${CANARY}"`],
    'user-agent': [
      CANARY,
      `Mozilla/5.0 (${CANARY}) AppleWebKit/537.36`,
      `Mozilla/5.0 (X11; Linux x86_64) ${CANARY}/1.0`,
      `curl/${CANARY}`,
    ],
  })[name.toLowerCase()] ?? [CANARY]

/** A browser, with all that it sends by itself. */
const BROWSER: readonly Field[] = [
  [
    'User-Agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  ],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
  ['Accept-Language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['Sec-CH-UA', '"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"'],
  ['Sec-CH-UA-Mobile', '?0'],
  ['Sec-CH-UA-Platform', '"Linux"'],
  ['Sec-Fetch-Mode', 'navigate'],
  ['Upgrade-Insecure-Requests', '1'],
]

describe.each(KINDS)('%s', kind => {
  let front: Front
  let control: Front
  const special: Parameters<typeof makeReflector>[0] = {
    '/by-tenant': (req, res) => {
      res.setHeader('Vary', 'X-Tenant')
      res.setHeader('Cache-Control', 'max-age=60')
      res.end(`for ${String(req.headers['x-tenant'])}`)
    },
    '/cors': (req, res) => {
      const { origin } = req.headers
      if (origin !== undefined) res.setHeader('Access-Control-Allow-Origin', origin)
      res.setHeader('Cache-Control', 'max-age=60')
      res.end(`for ${origin ?? 'all'}`)
    },
  }
  beforeEach(async () => {
    front = await open(kind, {}, makeReflector(special))
    control = await open(kind, {}, makeReflector(special))
  })
  afterEach(async () => {
    await front.close()
    await control.close()
  })

  test(`${FIELD_NAMES.length} header names`, async () => {
    expect(FIELD_NAMES.length).toBeGreaterThanOrEqual(1000)
    const clean = { target: '/control' }
    const never = await ask(control.port, clean)
    const sweep = async (name: string) => {
      for (const [i, value] of valuesOf(name).entries()) {
        const target = `/by-${i}-${name}`
        await ask(front.port, { target, fields: [[name, value]] })
        attacks.compare(
          `${kind}: ${name}: ${value}`,
          { target },
          await ask(front.port, { target }),
          clean,
          never,
        )
      }
    }
    // Some at once: each waits for its own answers only.
    const names = [...FIELD_NAMES]
    const lane = async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) await sweep(name)
    }
    await Promise.all(Array.from({ length: 16 }, lane))
    expect(attacks.succeeded).toEqual([])
  }, 120_000)

  test('a victim with a browser’s own fields; many fields at once; the same field twice', async () => {
    const lists: Record<string, Field[]> = {
      known: [
        ['X-Forwarded-Host', CANARY],
        ['X-Forwarded-Scheme', 'http'],
        ['X-Host', CANARY],
        ['Forwarded', `host=${CANARY}`],
      ],
      twice: [
        ['X-Forwarded-Host', 'site.example'],
        ['X-Forwarded-Host', CANARY],
      ],
      agent: [
        ['User-Agent', `<script>${CANARY}</script>`],
        ['Referer', `https://${CANARY}/`],
      ],
      many: Array.from({ length: 60 }, (_, i) => [`X-Many-${i}`, CANARY] as const),
      case: [
        ['x-FORWARDED-hOST', CANARY],
        ['USER-AGENT', CANARY],
      ],
    }
    for (const [name, fields] of Object.entries(lists)) {
      const target = `/lists/${name}`
      await ask(front.port, { target, fields: [...BROWSER, ...fields] })
      await attacks.victim(`${kind}: ${name}`, front, control, { target, fields: BROWSER })
      await attacks.victim(`${kind}: ${name}, plain client`, front, control, {
        target: `${target}`,
        fields: BROWSER,
      })
    }
    expect(attacks.succeeded).toEqual([])
  })

  test('at the same moment as its victims, who would follow it', async () => {
    for (let i = 0; i < 10; i++) {
      const target = `/together/${i}`
      const attack = ask(front.port, {
        target,
        fields: [
          ['X-Forwarded-Scheme', CANARY],
          ['X-Any', CANARY],
        ],
      })
      await Promise.all([
        attack,
        ...[1, 2, 3].map(() => attacks.victim(`${kind}: together`, front, control, { target })),
      ])
    }
    expect(attacks.succeeded).toEqual([])
  })

  test('what Connection names is in nobody’s key', async () => {
    const target = '/by-tenant'
    for (const named of ['X-Tenant', 'x-tenant, close', 'keep-alive, X-TENANT'])
      for (const tenant of ['a', 'b'])
        await ask(front.port, {
          target,
          fields: [
            ['Connection', named],
            ['X-Tenant', tenant],
          ],
        })
    for (const tenant of ['a', 'b'])
      await attacks.victim(`${kind}: tenant ${tenant}`, front, control, {
        target,
        fields: [['X-Tenant', tenant]],
      })
    expect(attacks.succeeded).toEqual([])
  })

  test('a stale entry is not refreshed with what an attacker sends', async () => {
    const versions = makeReflector({
      '/old': (req, res) => {
        res.setHeader('ETag', '"1"')
        res.setHeader('Cache-Control', 'max-age=0, stale-while-revalidate=30')
        res.setHeader('X-Reflected', String(req.headers['x-any'] ?? ''))
        res.statusCode = req.headers['if-none-match'] === undefined ? 200 : 304
        res.end(res.statusCode === 200 ? `for ${String(req.headers['x-any'] ?? 'all')}` : '')
      },
    })
    const revalidating = await open(kind, {}, versions)
    try {
      await ask(revalidating.port, { target: '/old' })
      for (let i = 0; i < 3; i++)
        await ask(revalidating.port, { target: '/old', fields: [['X-Any', CANARY]] })
      for (let i = 0; i < 3; i++) {
        const got = await ask(revalidating.port, { target: '/old' })
        const harm = `${got.field('x-reflected') ?? ''} ${got.body}`
        attacks.record(`${kind}: refresh`, harm.includes(CANARY) && harm)
      }
    } finally {
      await revalidating.close()
    }
    expect(attacks.succeeded).toEqual([])
  })

  test('an Origin that is let in without Vary lets in nobody else', async () => {
    for (const origin of ['https://evil.example', 'null', 'https://site.example.evil.example']) {
      const target = `/cors/${origin.length}`
      await ask(front.port, { target, fields: [['Origin', origin]] })
      const mine: Field[] = [['Origin', 'https://good.example']]
      await attacks.victim(`${kind}: ${origin}`, front, control, { target, fields: mine })
      await attacks.victim(`${kind}: ${origin}, no CORS`, front, control, { target })
    }
    expect(attacks.succeeded).toEqual([])
  })
})

test('a trusted peer is believed, an untrusted one is not', async () => {
  const trusting = await open('proxy', { proxy: { trustProxy: ['10.0.0.0/8'] } })
  try {
    await ask(trusting.port, {
      target: '/a',
      fields: [
        ['X-Forwarded-For', CANARY],
        ['X-Forwarded-Proto', 'https'],
      ],
    })
    const text = trusting.seen[0]!.text
    attacks.record('peer outside proxy.trustProxy', (text.includes(CANARY) || text.includes('https')) && text)
  } finally {
    await trusting.close()
  }
  expect(attacks.succeeded).toEqual([])
})

describe('request fields that CGI reads as others', () => {
  test.each(['X_Forwarded_Host', 'Transfer_Encoding', 'x_original-url', 'Content_Length'])(
    '%s',
    async name => {
      const front = await open('proxy')
      try {
        await ask(front.port, { target: '/a', method: 'DELETE', fields: [[name, CANARY]] })
        attacks.record(name, front.seen[0]!.text.includes(CANARY) && 'it reached the origin')
      } finally {
        await front.close()
      }
      expect(attacks.succeeded).toEqual([])
    },
  )
})
