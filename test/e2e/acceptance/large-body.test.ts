import { afterEach, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { startBackend } from '../../support/backends.js'
import { eventually } from '../../support/in-process-proxy.js'
import { patternDigest, startPatternOrigin } from '../../support/pattern-origin.js'
import { startS3Apart } from '../../support/s3-server.js'
import { serveStrata } from '../../support/strata-cli.js'

/** P8: memory does not grow with the size of a body. STRATA_TEST_FIGURES=1 tells what it took. */

const MiB = 1024 ** 2
const GiB = 1024 ** 3

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** Kilobytes of the kernel's own accounting, as bytes. */
function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(found![1]) * 1024
}

async function digestFrom(url: string): Promise<{ digest: string; cache: string; status: string }> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) =>
    http.get(url, { agent: false }, resolve).once('error', reject),
  )
  const hash = createHash('sha256')
  for await (const chunk of response) hash.update(chunk as Buffer)
  const { headers } = response
  return {
    digest: hash.digest('hex'),
    cache: String(headers['x-cache']),
    status: String(headers['cache-status']),
  }
}

test.each([
  ['embedded', GiB],
  ['s3-redis', GiB],
] as const)(
  '%s: %i bytes through MISS and HIT, the same bytes, less than 100 MiB of memory',
  async (name, size) => {
    const backend = await startBackend(name, startS3Apart)
    open.push(() => backend.stop())
    const origin = await startPatternOrigin()
    open.push(() => origin.stop())
    const strata = await serveStrata(['--origin', origin.url], backend.env)
    open.push(async () => {
      strata.child.kill('SIGKILL')
      await strata.ended
    })
    const { pid } = strata.child
    // Code that has run once, buffers that are kept: what a body adds comes on top of that.
    for (const path of ['/1000', '/1000', `/${4 * MiB}`, `/${4 * MiB}`]) await digestFrom(strata.base + path)
    const before = memoryOf(pid!, 'VmRSS')
    const digest = patternDigest(size)

    const startedAt = performance.now()
    const miss = await digestFrom(`${strata.base}/${size}`)
    const missMs = performance.now() - startedAt
    expect(miss).toMatchObject({ digest, cache: 'MISS' })
    await eventually(async () => {
      const head = await fetch(`${strata.base}/${size}`, { method: 'HEAD' })
      return head.headers.get('X-Cache') === 'HIT'
    })
    const hitAt = performance.now()
    const hit = await digestFrom(`${strata.base}/${size}`)
    const hitMs = performance.now() - hitAt
    expect(hit).toMatchObject({ digest, cache: 'HIT' })
    expect(origin.requests).toBeLessThanOrEqual(5)

    const grown = memoryOf(pid!, 'VmHWM') - before
    if (process.env.STRATA_TEST_FIGURES === '1') {
      const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
      process.stderr.write(
        `${name}: ${size / MiB} MiB, MISS ${seconds(missMs)}, HIT ${seconds(hitMs)}, ` +
          `memory ${Math.round(before / MiB)} MiB + ${Math.round(grown / MiB)} MiB at the peak\n`,
      )
    }
    expect(grown).toBeLessThan(100 * MiB)
  },
  240_000,
)
