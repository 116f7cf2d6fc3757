import { digest, get } from '../harness/client.mjs'
import { startNginx } from '../servers/nginx.mjs'
import { BYTES, side, TILE } from './hits.mjs'
import { plain, startOrigin } from './misses.mjs'

/**
 * What there is to reach: neither side is Strata. The subject is the least that could stand in Strata's place, so that a bar above its
 * ratio is beyond anybody who builds on the same parts.
 */

/** One put into LMDB for each answer, and nothing else. */
async function storing(ctx, proxy) {
  const origin = await startOrigin(ctx)
  const path = ctx.path('kept', { folder: true })
  return {
    subject: await plain(ctx, origin, 'storing-proxy.mjs', { path }, 'fills'),
    baseline: await plain(ctx, origin, proxy),
  }
}

/** The bare handler in the place of a hit. */
async function bareAgainst(ctx, peer, title) {
  await get(peer.port, TILE)
  const answer = await get(peer.port, TILE)
  const bare = await ctx.server('bare.mjs', ctx.template(answer))
  const same = { sha256: digest(answer.body) }
  return { subject: side('bare', bare, TILE, same), baseline: side(title, peer, TILE, same) }
}

async function nginx(ctx) {
  const peer = await startNginx(ctx, await ctx.helper('origin.mjs', { bytes: BYTES }))
  return peer === undefined ? { skipped: 'nginx is not installed' } : bareAgainst(ctx, peer, 'nginx')
}

async function apicache(ctx) {
  return bareAgainst(ctx, await ctx.server('apicache-app.mjs', { bytes: BYTES }), 'apicache')
}

const STORING = 'no Strata: undici streaming proxy with one `put` into LMDB for each answer, and nothing else'
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
