import assert from 'node:assert/strict'
import { alone } from '../harness/measure.mjs'

/** How much the key costs beyond its hash. */

async function side(ctx, title, config) {
  const server = await ctx.server('key-worker.mjs', config)
  const [length, key] = await server.ask('check')
  assert.equal(length, config.urlLength)
  assert.match(key, /^[\w-]{43}$/)
  return { title, sample: (around = alone) => around(server, () => server.ask('sample')) }
}

function open(urlLength) {
  return async ctx => {
    const config = { urlLength, seconds: Math.min(ctx.options.duration, 2) }
    return {
      subject: await side(ctx, 'key', config),
      baseline: await side(ctx, 'sha256', { ...config, plain: true }),
    }
  }
}

/** @type {import('./hits.mjs').Bench[]} */
export const KEYS = [
  {
    name: 'key-120',
    subject: 'primary key of a 120-character URL',
    baseline: "`createHash('sha256')` over the same bytes",
    atLeast: 0.5,
    unit: 'keys/s',
    open: open(120),
  },
  {
    name: 'key-8k',
    subject: 'primary key of an 8 KB URL',
    baseline: "`createHash('sha256')` over the same bytes",
    atLeast: 0.5,
    unit: 'keys/s',
    open: open(8192),
  },
]
