import { digest, get } from '../harness/client.mjs'
import { startNginx } from '../servers/nginx.mjs'
import { BYTES, side, TILE } from './hits.mjs'
import { plain, startOrigin } from './misses.mjs'
import { withoutOrigin } from './peers.mjs'

/**
 * What there is to reach: neither side is Strata. The subject is the least that could stand in Strata's place, so that a bar above its
 * ratio asks for other parts than these.
 */

/** What passes is put into LMDB, and nothing else. */
async function storing(ctx, proxy, ordered = false) {
  const origin = await startOrigin(ctx)
  const path = ctx.path('kept', { folder: true })
  return {
    subject: await plain(ctx, origin, 'storing-proxy.mjs', { path, ordered }, 'fills'),
    baseline: await plain(ctx, origin, proxy),
  }
}

/** The bare handler in the place of a hit. */
async function bareAgainst(ctx, peer, title, origin) {
  await get(peer.port, TILE)
  const answer = await get(peer.port, TILE)
  const bare = await ctx.server('bare.mjs', ctx.template(answer))
  const same = { sha256: digest(answer.body) }
  return {
    subject: side('bare', bare, TILE, same),
    baseline: withoutOrigin(side(title, peer, TILE, same), origin),
  }
}

async function nginx(ctx) {
  const origin = await ctx.helper('origin.mjs', { bytes: BYTES })
  const peer = await startNginx(ctx, origin)
  if (peer === undefined) return { skipped: 'nginx is not installed' }
  return bareAgainst(ctx, peer, 'nginx', origin)
}

async function apicache(ctx) {
  const peer = await ctx.server('apicache-app.mjs', { bytes: BYTES })
  return bareAgainst(ctx, peer, 'apicache', peer)
}

const STORING = 'no Strata: undici streaming proxy with one `put` into LMDB for each answer, and nothing else'
const ORDERED =
  'no Strata: the same with the five puts that it takes to share equal bodies and to find what is to go'
const BARE = 'no Strata: bare node:http handler, same response'

/** @type {import('./hits.mjs').Bench[]} */
export const LIMITS = [
  {
    name: 'limit-miss-stream',
    subject: STORING,
    baseline: 'undici streaming proxy without any cache',
    open: ctx => storing(ctx, 'undici-proxy.mjs'),
  },
  {
    name: 'limit-miss-hpm',
    subject: STORING,
    baseline: 'Express + http-proxy-middleware (keep-alive), no cache',
    open: ctx => storing(ctx, 'hpm-proxy.mjs'),
  },
  {
    name: 'limit-miss-ordered-stream',
    subject: ORDERED,
    baseline: 'undici streaming proxy without any cache',
    open: ctx => storing(ctx, 'undici-proxy.mjs', true),
  },
  {
    name: 'limit-miss-ordered-hpm',
    subject: ORDERED,
    baseline: 'Express + http-proxy-middleware (keep-alive), no cache',
    open: ctx => storing(ctx, 'hpm-proxy.mjs', true),
  },
  {
    name: 'limit-vs-nginx',
    subject: BARE,
    baseline: 'nginx `proxy_cache`, one worker, same core',
    open: nginx,
  },
  {
    name: 'limit-vs-apicache',
    subject: BARE,
    baseline: 'apicache in the same Express app',
    open: apicache,
  },
]
