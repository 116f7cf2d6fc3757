import { digest, get, getHit } from '../harness/client.mjs'
import { freePort, isInstalled } from '../harness/processes.mjs'
import { BYTES, side } from './hits.mjs'

/** Hits from Redis and S3, memory tier off. The S3 endpoint is that of STRATA_TEST_S3_ENDPOINT, or s3rver in a process of its own. */

const TILE = { path: '/tile.png' }

async function s3Settings(ctx) {
  const { STRATA_TEST_S3_ENDPOINT: endpoint, STRATA_TEST_S3_BUCKET: bucket = 'strata-bench' } = process.env
  if (endpoint) {
    return {
      endpoint,
      bucket,
      accessKeyId: process.env.STRATA_TEST_S3_ACCESS_KEY,
      secretAccessKey: process.env.STRATA_TEST_S3_SECRET_KEY,
    }
  }
  const { port } = await ctx.helper('s3.mjs', { bucket })
  return { endpoint: `http://127.0.0.1:${port}`, bucket, accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }
}

async function open(ctx) {
  if (!isInstalled('redis-server')) return { skipped: 'redis-server is not installed' }
  const redisPort = await freePort()
  await ctx.program(
    'others',
    'redis-server',
    ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    redisPort,
  )
  const redis = `redis://127.0.0.1:${redisPort}`
  const s3 = await s3Settings(ctx)
  const origin = await ctx.helper('origin.mjs', { bytes: BYTES })
  const strata = await ctx.strata(origin, {
    memory: { maxBytes: 0 },
    redis: { url: redis },
    s3,
    // A slow S3 must be slow in the figures, not a miss.
    tiers: { timeoutMs: 10_000 },
  })
  const answer = await getHit(strata.port, TILE)
  const loop = await ctx.server('redis-s3-loop.mjs', { redis, s3, bytes: BYTES })
  const same = { sha256: digest(answer.body) }
  await get(loop.port, TILE)
  return {
    subject: side('strata', strata, TILE, { ...same, xCache: 'HIT' }, 'hits'),
    baseline: side('GET + GetObject', loop, TILE, same),
  }
}

/** @type {import('./hits.mjs').Bench[]} */
export const REMOTE = [
  {
    name: 'hit-s3-redis-cold',
    subject: 'memory tier off: Redis and S3, 10 KB',
    baseline: 'one ioredis GET and one S3 GetObject for each request',
    atLeast: 0.85,
    open,
  },
]
