import assert from 'node:assert/strict'
import { get, requireAnswer } from '../harness/client.mjs'
import { BYTES } from './hits.mjs'

/** URLs that never come twice, each with a body of its own, stored as they pass; against proxies that store nothing. */

let asked = 0

/** Each verification needs a URL of its own too. */
function side(title, server, expected, counts) {
  return {
    title,
    server,
    load: { requests: [{ path: '/' }], unique: '/tiles/' },
    counts,
    verify: async () => {
      const path = `/verify/${asked++}`
      const answer = await get(server.port, { path })
      requireAnswer(answer, { ...expected, bytes: BYTES })
      assert.ok(answer.body.subarray(0, path.length).equals(Buffer.from(path)), 'the body is of this URL')
    },
  }
}

/** The origin of both sides. */
export function startOrigin(ctx) {
  return ctx.helper('origin.mjs', { bytes: BYTES, unique: true })
}

/** A proxy without Strata. */
export async function plain(ctx, origin, file, settings = {}, counts = undefined) {
  const server = await ctx.server(file, { origin: `http://127.0.0.1:${origin.port}`, ...settings })
  return side(file.replace('.mjs', ''), server, {}, counts)
}

async function open(ctx, proxy, options, counts = 'fills') {
  const origin = await startOrigin(ctx)
  const strata = await ctx.strata(origin, options)
  return {
    subject: side('strata', strata, { xCache: 'MISS' }, counts),
    baseline: await plain(ctx, origin, proxy),
  }
}

/** @type {import('./hits.mjs').Bench[]} */
export const MISSES = [
  {
    name: 'miss-stream',
    subject: 'unique URLs of 10 KB through the proxy, each stored (embedded)',
    baseline: 'undici streaming proxy without any cache',
    atLeast: 0.7,
    open: ctx => open(ctx, 'undici-proxy.mjs'),
  },
  {
    name: 'miss-hpm',
    subject: 'unique URLs of 10 KB through the proxy, each stored (embedded)',
    baseline: 'Express + http-proxy-middleware (keep-alive), no cache',
    atLeast: 1.5,
    open: ctx => open(ctx, 'hpm-proxy.mjs'),
  },
  {
    name: 'miss-memory',
    subject: 'the same, stored in memory alone (backend `memory`)',
    baseline: 'undici streaming proxy without any cache',
    open: ctx => open(ctx, 'undici-proxy.mjs', { backend: 'memory' }),
  },
  {
    name: 'miss-min-uses',
    subject: 'the same with `limits.minUses` 2: no URL comes twice, so none is stored',
    baseline: 'undici streaming proxy without any cache',
    open: ctx => open(ctx, 'undici-proxy.mjs', { limits: { minUses: 2 } }, 'misses'),
  },
  {
    name: 'miss-min-uses-hpm',
    subject: 'the same with `limits.minUses` 2',
    baseline: 'Express + http-proxy-middleware (keep-alive), no cache',
    open: ctx => open(ctx, 'hpm-proxy.mjs', { limits: { minUses: 2 } }, 'misses'),
  },
]
