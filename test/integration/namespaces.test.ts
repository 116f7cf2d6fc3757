import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import express from 'express'
import request from 'supertest'
import type { Strata } from '../../src/compose.js'
import type { StrataOptions } from '../../src/index.js'
import { startBackend, type BackendName, type TestBackend } from '../support/backends.js'
import { closeAll, listen, onClose, openStrata, until } from '../support/mounted-strata.js'
import { done } from '../support/done-job.js'

afterEach(closeAll)

interface Site {
  readonly strata: Strata
  get(path: string): Promise<{ cache: string; text: string }>
}

/** Two applications in one Redis and one bucket (or one folder), that know nothing of each other. */
describe.each<BackendName>(['embedded', 'redis', 's3-redis'])('two namespaces on %s', name => {
  let backend: TestBackend
  beforeEach(async () => {
    backend = await startBackend(name)
    onClose(() => backend.stop())
  })

  async function site(namespace: string, options: StrataOptions = {}): Promise<Site> {
    const strata = await openStrata({
      ...backend.options,
      namespace,
      // What is in memory would hide what the stores do.
      memory: { maxBytes: 0 },
      defaults: { ttl: 600, tags: ['all'] },
      sweep: { bodyGraceMs: 0, intervalMs: 0 },
      // A busy machine is not what is asked about.
      tiers: { timeoutMs: 5000 },
      ...options,
    })
    const app = express()
    app.use(strata.middleware())
    app.use((req, res) => void res.send(`${namespace} says ${req.originalUrl.padEnd(40, '.')}`))
    const base = `http://127.0.0.1:${await listen(app)}`
    return {
      strata,
      get: async path => {
        // One Host for both: their URLs and keys are the same.
        const { headers, text } = await request(base).get(path).set('Host', 'site.example')
        return { cache: headers['x-cache']!.split(' ')[0]!, text }
      },
    }
  }

  async function filled(options: StrataOptions = {}): Promise<[Site, Site]> {
    const [a, b] = [await site('app-a', options), await site('app-b')]
    for (const { get } of [a, b]) for (const path of ['/1', '/2', '/3']) await get(path)
    for (const { strata } of [a, b]) {
      await until('all is stored', async () => (await strata.operator.status()).entries === 3)
    }
    return [a, b]
  }

  test('the same URL is another entry in each', async () => {
    const [a, b] = await filled()
    expect((await a.get('/1')).text).toMatch(/^app-a says \/1/)
    expect((await b.get('/1')).text).toMatch(/^app-b says \/1/)
    const keys = async ({ strata }: Site) =>
      (await strata.operator.keys({})).keys.map(({ key }) => key).sort()
    expect(await keys(a)).toEqual(await keys(b))
  })

  test.each([
    { all: true },
    { tags: ['all'] },
    { patterns: ['/**'] },
    { prefix: '/' },
    { host: 'site.example' },
  ])('an invalidation of one (%j), and its sweep, leave the other', async what => {
    const [a, b] = await filled()
    expect(await a.strata.operator.invalidate(what)).toMatchObject({ effective: true, matched: 3, seq: 1 })
    expect(await done(a.strata.operator, a.strata.operator.sweep())).toMatchObject({ state: 'done' })
    expect(await a.strata.operator.status()).toMatchObject({ entries: 0, bytes: 0, bodies: 0 })
    expect(await b.strata.operator.status()).toMatchObject({
      entries: 3,
      bodies: 3,
      fence: { seq: 0, marks: 0 },
    })
    for (const path of ['/1', '/2', '/3']) {
      expect((await b.get(path)).cache).toBe('HIT')
      expect((await a.get(path)).cache).toBe('MISS')
    }
  })

  test('a limit of one is none of the other', async () => {
    const [a, b] = await filled({ limits: { maxStoreEntries: 2 } })
    expect(await done(a.strata.operator, a.strata.operator.sweep())).toMatchObject({
      state: 'done',
      removed: 2,
    })
    await done(b.strata.operator, b.strata.operator.sweep())
    expect((await a.strata.operator.status()).entries).toBe(1)
    expect((await b.strata.operator.status()).entries).toBe(3)
  })

  test("statistics, jobs and the reconciler are each one's own", async () => {
    const [a, b] = await filled({ limits: { inlineBodyBytes: 0 } })
    await a.get('/1')
    expect(a.strata.operator.stats()).toMatchObject({ hits: 1, misses: 3 })
    expect(b.strata.operator.stats()).toMatchObject({ hits: 0, misses: 3 })
    const job = await done(a.strata.operator, a.strata.operator.reconcile({ graceMs: 0 }))
    expect(job).toMatchObject({ state: 'done', examined: 6, removed: 0, bodies: 0 })
    expect((await a.strata.operator.jobs()).map(({ id }) => id)).toEqual([job.id])
    expect(await b.strata.operator.jobs()).toEqual([])
    await expect(b.strata.operator.job(job.id)).rejects.toMatchObject({ code: 'STRATA_NOT_FOUND' })
    for (const { get } of [a, b]) expect((await get('/2')).cache).toBe('HIT')
  })
})
