import assert from 'node:assert/strict'
import { digest, get, getHit } from '../harness/client.mjs'
import { freePort, isInstalled } from '../harness/processes.mjs'
import { startNginx } from '../servers/nginx.mjs'
import { BYTES, side, TILE } from './hits.mjs'

/** Memory hits of 10 KB, against other caches in the same place. */

/** Neither side may ask its origin while it is measured. */
export function withoutOrigin(subject, origin) {
  let before
  const { verify } = subject
  return {
    ...subject,
    verify: async () => {
      const now = await origin.ask('count')
      if (before !== undefined) assert.equal(now, before, 'the origin was asked')
      before = now
      await verify()
    },
  }
}

async function sides(strata, peer, title, origin) {
  const { body } = await getHit(strata.port, TILE)
  const same = { sha256: digest(body) }
  await get(peer.port, TILE)
  await get(peer.port, TILE)
  return {
    subject: side('strata', strata, TILE, { ...same, xCache: 'HIT' }, 'hits'),
    baseline: withoutOrigin(side(title, peer, TILE, same), origin),
  }
}

async function apicache(ctx, shape) {
  const strata = await ctx.server('strata-middleware.mjs', { shape, bytes: BYTES, options: ctx.settings() })
  const peer = await ctx.server('apicache-app.mjs', { bytes: BYTES })
  return sides(strata, peer, 'apicache', peer)
}

async function undiciCache(ctx) {
  const origin = await ctx.helper('origin.mjs', { bytes: BYTES })
  const strata = await ctx.strata(origin)
  const peer = await ctx.server('undici-proxy.mjs', {
    cached: true,
    origin: `http://127.0.0.1:${origin.port}`,
  })
  return sides(strata, peer, 'undici cache', origin)
}

async function nginx(ctx) {
  const origin = await ctx.helper('origin.mjs', { bytes: BYTES })
  const peer = await startNginx(ctx, origin)
  if (peer === undefined) return { skipped: 'nginx is not installed' }
  return sides(await ctx.strata(origin), peer, 'nginx', origin)
}

async function varnish(ctx) {
  if (!isInstalled('varnishd')) return { skipped: 'varnishd is not installed' }
  const origin = await ctx.helper('origin.mjs', { bytes: BYTES })
  const port = await freePort()
  const args = ['-F', '-a', `127.0.0.1:${port}`, '-b', `127.0.0.1:${origin.port}`, '-n', ctx.path('varnish')]
  const peer = await ctx.program('server', 'varnishd', [...args, '-s', 'malloc,256m', '-j', 'none'], port)
  return sides(await ctx.strata(origin), peer, 'varnish', origin)
}

/** @type {import('./hits.mjs').Bench[]} */
export const PEERS = [
  {
    name: 'vs-apicache',
    subject: '`strata.handler(app)`, memory hit',
    baseline: 'apicache in the same Express app',
    atLeast: 3,
    open: ctx => apicache(ctx, 'front'),
  },
  {
    name: 'vs-apicache-use',
    subject: '`app.use(strata.middleware())`, memory hit',
    baseline: 'apicache in the same Express app',
    atLeast: undefined,
    open: ctx => apicache(ctx, 'use'),
  },
  {
    name: 'vs-undici-cache',
    subject: 'standalone proxy, memory hit',
    baseline: "node:http proxy on undici's cache interceptor",
    atLeast: 2.5,
    open: undiciCache,
  },
  {
    name: 'vs-nginx',
    subject: 'standalone proxy, memory hit',
    baseline: 'nginx `proxy_cache`, one worker, same core',
    atLeast: 0.75,
    open: nginx,
  },
  {
    name: 'vs-varnish',
    subject: 'standalone proxy, memory hit',
    baseline: 'Varnish, same core',
    atLeast: 0.85,
    open: varnish,
  },
]
