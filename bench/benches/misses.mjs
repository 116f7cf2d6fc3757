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

async function open(ctx, proxy) {
  const origin = await ctx.helper('origin.mjs', { bytes: BYTES, unique: true })
  const strata = await ctx.strata(origin)
  return {
    subject: side('strata', strata, { xCache: 'MISS' }, 'misses'),
    baseline: await other(ctx, origin, proxy),
  }
}

async function other(ctx, origin, proxy) {
  const settings = { origin: `http://127.0.0.1:${origin.port}`, path: ctx.path('kept', { folder: true }) }
  return side(proxy.replace('.mjs', ''), await ctx.server(proxy, settings), {})
}

/** Neither side is Strata: what the bar of `miss-stream` leaves for keeping what passes. */
async function openLeast(ctx) {
  const origin = await ctx.helper('origin.mjs', { bytes: BYTES, unique: true })
  return {
    subject: await other(ctx, origin, 'storing-proxy.mjs'),
    baseline: await other(ctx, origin, 'undici-proxy.mjs'),
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
    name: 'miss-least',
    subject: 'no Strata: undici streaming proxy with one `put` into LMDB for each answer, and nothing else',
    baseline: 'undici streaming proxy without any cache',
    open: openLeast,
  },
]
