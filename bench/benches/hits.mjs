import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digest, get, getHit, requireAnswer, requireSame } from '../harness/client.mjs'

/** Hits in memory, against a handler that writes the same response. */

export const BYTES = 10_240
export const TILE = { path: '/tiles/roads/12/2200/1343.png' }

/**
 * @typedef {object} Bench
 * @property {string} name
 * @property {string} subject
 * @property {string} baseline
 * @property {number | undefined} atLeast the ratio it must reach; undefined: for information
 * @property {string} [unit] of the rate; requests/s
 * @property {(ctx: import('../harness/context.mjs').Context) => Promise<import('../harness/measure.mjs').Pair | { skipped: string }>} open
 */

/** A side that is verified by one request before each round. */
export function side(title, server, request, expected, counts) {
  return {
    title,
    server,
    load: { requests: [request] },
    counts,
    verify: async () => requireAnswer(await get(server.port, request), expected),
  }
}

/** Subject and the bare handler that writes what the subject wrote. */
async function againstBare(ctx, strata, request, { from, ...bare }, expected) {
  // A fill's own answer is MISS; hits are what is compared.
  await getHit(strata.port, TILE)
  const answer = await get(strata.port, request)
  requireAnswer(answer, { xCache: 'HIT', ...expected })
  const server = await ctx.server('bare.mjs', { ...bare, ...ctx.template(answer, from?.body) })
  requireSame(answer, await get(server.port, request))
  const same = { ...expected, sha256: digest(answer.body) }
  return {
    subject: side('strata', strata, request, { ...same, xCache: 'HIT' }, 'hits'),
    baseline: side('bare', server, request, same),
  }
}

async function standalone(ctx, options, request = TILE, bare = {}, expected = {}) {
  const origin = await ctx.helper('origin.mjs', { bytes: BYTES })
  return againstBare(ctx, await ctx.strata(origin, options), request, bare, expected)
}

async function mounted(ctx, shape, bare) {
  const strata = await ctx.server('strata-middleware.mjs', { shape, bytes: BYTES, options: ctx.settings() })
  return againstBare(ctx, strata, TILE, bare, {})
}

/** Settings as shipped keep a body of 10 MB out of memory: it is read from the store. */
async function ranged(ctx, kind) {
  const bytes = 10 * 1024 ** 2
  const origin = await ctx.helper('origin.mjs', { bytes })
  const strata = await ctx.strata(origin)
  const whole = await getHit(strata.port, TILE)
  const first = 4 * 1024 ** 2 + 1000
  const request = { ...TILE, headers: { Range: `bytes=${first}-${first + 65_535}` } }
  return againstBare(ctx, strata, request, { kind, from: whole }, { status: 206, bytes: 65_536 })
}

const LANGUAGES = ['en', 'fr', 'de', 'nl']
const CODINGS = ['gzip', 'identity']

async function vary(ctx) {
  const [plainOrigin, origin] = [
    await ctx.helper('origin.mjs', { bytes: BYTES }),
    await ctx.helper('origin.mjs', { bytes: BYTES, vary: true }),
  ]
  const [strata, plain] = [await ctx.strata(origin), await ctx.strata(plainOrigin)]
  const requests = LANGUAGES.flatMap(language =>
    CODINGS.map(coding => ({
      ...TILE,
      headers: { 'Accept-Encoding': coding, 'Accept-Language': language },
    })),
  )
  const verify = port => async () => {
    for (const request of requests) requireAnswer(await get(port, request), { xCache: 'HIT', bytes: BYTES })
  }
  for (const request of requests) {
    const { headers } = await getHit(strata.port, request)
    if (headers['content-language'] !== request.headers['Accept-Language'])
      throw new Error('the wrong variant was chosen')
    await getHit(plain.port, request)
  }
  // The same requests on both sides, fields and all: what differs is that one of them has to choose.
  return {
    subject: {
      title: '8 variants',
      server: strata,
      load: { requests },
      counts: 'hits',
      verify: verify(strata.port),
    },
    baseline: {
      title: '1 variant',
      server: plain,
      load: { requests },
      counts: 'hits',
      verify: verify(plain.port),
    },
  }
}

const FILES = 1000

async function embeddedCold(ctx) {
  const origin = await ctx.helper('origin.mjs', { bytes: BYTES, unique: true })
  const strata = await ctx.strata(origin, { memory: { maxBytes: 0 } })
  const folder = ctx.path('files', { folder: true })
  const requests = Array.from({ length: FILES }, (_, i) => ({ path: `/${i}.png` }))
  let answer
  for (const request of requests) {
    answer = await getHit(strata.port, request)
    writeFileSync(join(folder, request.path), answer.body)
  }
  const server = await ctx.server('bare.mjs', { kind: 'read-file', folder, ...ctx.template(answer) })
  requireSame(answer, await get(server.port, requests.at(-1)))
  const sha256 = digest(answer.body)
  const of = (title, running, expected, counts) => ({
    title,
    server: running,
    load: { requests },
    counts,
    verify: async () => requireAnswer(await get(running.port, requests.at(-1)), { ...expected, sha256 }),
  })
  return {
    subject: of('strata', strata, { xCache: 'HIT' }, 'hits'),
    baseline: of('fs.readFile', server, {}),
  }
}

/** How far apart two sides seem that are the same. */
async function noise(ctx) {
  const origin = await ctx.helper('origin.mjs', { bytes: BYTES })
  const answer = await getHit((await ctx.strata(origin)).port, TILE)
  const files = ctx.template(answer)
  const bare = async title =>
    side(title, await ctx.server('bare.mjs', files), TILE, { sha256: digest(answer.body) })
  return { subject: await bare('bare'), baseline: await bare('bare again') }
}

/** @type {Bench[]} */
export const HITS = [
  {
    name: 'noise',
    subject: 'bare node:http handler: no Strata at all, what this machine makes of two equal sides',
    baseline: 'the same handler in another process',
    atLeast: undefined,
    open: noise,
  },
  {
    name: 'hit-standalone',
    subject: 'memory hit of 10 KB, standalone proxy',
    baseline: 'bare node:http handler, same response',
    atLeast: 0.9,
    open: ctx => standalone(ctx, {}),
  },
  {
    name: 'hit-front',
    subject: '`strata.handler(app)` in front of Express 5',
    baseline: 'bare node:http handler, same response',
    atLeast: 0.88,
    open: ctx => mounted(ctx, 'front', {}),
  },
  {
    name: 'hit-express',
    subject: '`app.use(strata.middleware())`',
    baseline: 'Express handler, same response by `res.set().send()`',
    atLeast: 0.95,
    open: ctx => mounted(ctx, 'use', { shape: 'express' }),
  },
  {
    name: 'hit-express-raw',
    subject: '`app.use(strata.middleware())`',
    baseline: 'Express handler, same response by `res.writeHead().end()`',
    atLeast: undefined,
    open: ctx => mounted(ctx, 'use', { shape: 'express-raw' }),
  },
  {
    name: 'hit-logged',
    subject: '`hit-standalone` with the access log on',
    baseline: 'bare handler with pino-http, the same line',
    atLeast: 0.9,
    open: ctx => standalone(ctx, { log: { access: true, level: 'info' } }, TILE, { logged: true }),
  },
  {
    name: 'hit-304',
    subject: 'If-None-Match answered from memory',
    baseline: 'bare handler answering 304',
    atLeast: 0.85,
    open: ctx =>
      standalone(
        ctx,
        {},
        { ...TILE, headers: { 'If-None-Match': '"5f3c-62a1b7"' } },
        { kind: 'not-modified' },
        { status: 304, bytes: 0 },
      ),
  },
  {
    name: 'hit-range',
    subject: '206 of 64 KB from a stored body of 10 MB (on disk, by default)',
    baseline: 'bare handler sending that slice of a buffer',
    atLeast: 0.8,
    open: ctx => ranged(ctx, 'slice'),
  },
  {
    name: 'hit-range-disk',
    subject: '206 of 64 KB from a stored body of 10 MB (on disk, by default)',
    baseline: 'bare handler reading that slice from an open file',
    atLeast: undefined,
    open: ctx => ranged(ctx, 'pread'),
  },
  {
    name: 'hit-vary',
    subject: 'entry with 8 variants by Accept-Encoding and Accept-Language',
    baseline: '`hit-standalone`, the same requests',
    atLeast: 0.8,
    open: vary,
  },
  {
    name: 'hit-embedded-cold',
    subject: 'memory tier off: LMDB and file, 10 KB, 1,000 URLs',
    baseline: 'bare handler with `fs.readFile`',
    atLeast: 0.8,
    open: embeddedCold,
  },
]
