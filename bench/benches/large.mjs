import assert from 'node:assert/strict'
import { closeSync, openSync, writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { alone } from '../harness/measure.mjs'
import { run } from '../harness/run.mjs'
import { payload } from '../servers/support/payload.mjs'

/** One large body at a time, bytes per second; CPU time is per MiB. */

const MIB = 1024 ** 2

/** Bodies that a new server sends before it is measured: V8 still optimizes while it sends the second (11 % of its CPU time). */
const WARM_UPS = 3

async function download(port, path, hashed = false) {
  const script = fileURLToPath(new URL('../harness/download.mjs', import.meta.url))
  const args = [script, `http://127.0.0.1:${port}${path}`, ...(hashed ? ['sha256'] : [])]
  return JSON.parse(await run('others', process.execPath, args))
}

/** @param {() => Promise<{ server: import('../harness/processes.mjs').Running, path: string, close?: () => Promise<void> }>} turn */
function sideOfDownload(title, bytes, xCache, turn) {
  return {
    title,
    sample: async (around = alone) => {
      const { server, path, close } = await turn()
      const before = await server.cpu()
      const got = await around(server, () => download(server.port, path))
      const cpu = (await server.cpu()) - before
      assert.equal(got.status, 200)
      assert.ok(got.complete)
      assert.equal(got.bytes, bytes)
      assert.equal(got.xCache, xCache)
      await close?.()
      return {
        rate: bytes / got.seconds,
        cpu: cpu / (bytes / MIB),
        p50: undefined,
        p99: undefined,
        busy: cpu / 1e6 / got.seconds,
      }
    },
  }
}

async function requireEqualBodies(ports, path) {
  const sums = []
  for (const port of ports) sums.push((await download(port, path, true)).sha256)
  assert.equal(new Set(sums).size, 1, 'both sides send the same bytes')
}

async function miss(ctx) {
  const bytes = ctx.options.largeBytes
  const origin = await ctx.helper('origin.mjs', { bytes })
  const baseline = await ctx.server('large-baseline.mjs', { origin: `http://127.0.0.1:${origin.port}` })
  // A cache of its own for each round: else the disk fills, and its sweep would run in the next round. Warm, as the baseline is.
  const fresh = async () => {
    const server = await ctx.strata(origin)
    for (let i = 0; i < WARM_UPS; i++) await download(server.port, `/warm-up/${i}`)
    return { server, path: '/large', close: () => server.stop() }
  }
  const { server, close } = await fresh()
  await requireEqualBodies([server.port, baseline.port], '/large')
  await close()
  return {
    subject: sideOfDownload('strata MISS', bytes, 'MISS', fresh),
    baseline: sideOfDownload('pipe', bytes, undefined, async () => ({ server: baseline, path: '/large' })),
  }
}

async function hit(ctx) {
  const bytes = ctx.options.largeBytes
  const origin = await ctx.helper('origin.mjs', { bytes })
  const strata = await ctx.strata(origin)
  const file = ctx.path('large')
  writeLarge(file, bytes)
  const baseline = await ctx.server('large-baseline.mjs', { file, bytes })
  await download(strata.port, '/large')
  await requireEqualBodies([strata.port, baseline.port], '/large')
  return {
    subject: sideOfDownload('strata HIT', bytes, 'HIT', async () => ({ server: strata, path: '/large' })),
    baseline: sideOfDownload('pipe', bytes, undefined, async () => ({ server: baseline, path: '/large' })),
  }
}

/** What servers/origin.mjs streams. */
function writeLarge(file, bytes) {
  const body = payload(Math.min(bytes, 16 * MIB))
  const fd = openSync(file, 'w')
  for (let sent = 0; sent < bytes;) sent += writeSync(fd, body, 0, Math.min(MIB, bytes - sent))
  closeSync(fd)
}

/** @type {import('./hits.mjs').Bench[]} */
export const LARGE = [
  {
    name: 'large-stream-miss',
    subject: '1 GiB MISS, stored as it passes',
    baseline: 'bare streaming pipe from the same origin',
    atLeast: 0.8,
    unit: 'bytes/s',
    open: miss,
  },
  {
    name: 'large-stream-hit',
    subject: '1 GiB HIT from the embedded store',
    baseline: 'bare streaming pipe from a file',
    atLeast: 0.8,
    unit: 'bytes/s',
    open: hit,
  },
]
