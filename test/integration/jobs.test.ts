import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { memoryBodyStore } from '../../src/stores/memory/index.js'
import { Access } from '../../src/server/access/access.js'
import { adminRouter } from '../../src/server/admin/index.js'
import { startBackend, type TestBackend } from '../support/backends.js'
import { closeAll, gate, onClose, openStrata, until } from '../support/mounted-strata.js'
import { memoryAudit } from '../support/audited.js'
import { operatedCache } from '../support/operated-cache.js'
import express from 'express'
import { done } from '../support/done-job.js'

afterEach(closeAll)

const health = { live: () => ({ ok: true, checks: {} }), ready: () => ({ ok: true, checks: {} }) }

async function admin(parts: Parameters<typeof operatedCache>[0] = {}) {
  const cache = await operatedCache(parts)
  const access = new Access({ trustLoopback: true })
  const { audit } = memoryAudit()
  const app = express().use('/a', adminRouter({ operator: cache.operator, health, access, audit }))
  return {
    ...cache,
    api: (method: 'get' | 'post' | 'delete', path: string) => request(app)[method](`/a${path}`),
  }
}

describe('the admin routes of jobs', () => {
  test('a sweep that was asked for, and one that an invalidation caused', async () => {
    const { api, fill } = await admin()
    for (const name of ['a', 'b', 'c']) await fill(name)
    expect((await api('get', '/jobs').expect(200)).body).toEqual({ jobs: [] })
    const swept = (await api('post', '/sweep').expect(200)).body
    expect(swept).toMatchObject({ kind: 'sweep', cause: 'asked', state: 'done', removed: 0 })
    const purge = (await api('post', '/invalidate').send({ prefix: '/a' }).expect(200)).body
    expect(purge).toMatchObject({ matched: 1, job: expect.any(String) })
    await until('the sweep is over', async () => {
      const { body } = await api('get', `/jobs/${purge.job}`).expect(200)
      return body.state === 'done'
    })
    expect((await api('get', `/jobs/${purge.job}`).expect(200)).body).toMatchObject({
      ...{ id: purge.job, kind: 'sweep', cause: 'invalidation', state: 'done', step: 'orphans', error: null },
      ...{ examined: 3, removed: 1, bytes: 1, total: 3, resumed: 0, cancelling: false },
      startedAt: expect.stringMatching(/^2026-01-01T00:00:10/),
      endedAt: expect.stringMatching(/^2026-01-01T00:00:10/),
    })
    const { jobs } = (await api('get', '/jobs').expect(200)).body
    expect(jobs.map(({ id }: { id: string }) => id)).toEqual([purge.job, swept.id])
  })

  test.each(['post', 'delete'] as const)('cancel with %s', async method => {
    const door = gate()
    const memory = memoryBodyStore({ maxBytes: 1e6 })
    const listing = { list: () => door.opened.then(() => ({ bodies: [], cursor: 'more' })) }
    const bodies = Object.assign(Object.create(memory) as typeof memory, listing)
    const { api } = await admin({ bodies, waitMs: 1 })
    const { body: job } = await api('post', '/reconcile').send({ dryRun: true }).expect(202)
    expect(job).toMatchObject({ kind: 'reconcile', options: { dryRun: true } })
    const path = method === 'post' ? `/jobs/${job.id}/cancel` : `/jobs/${job.id}`
    expect((await api(method, path).expect(200)).body).toMatchObject({ id: job.id, cancelling: true })
    door.open()
    await until(
      'it has stopped',
      async () => (await api('get', `/jobs/${job.id}`)).body.state === 'cancelled',
    )
  })

  test('a reconciler: its options, and what is wrong with them', async () => {
    const { api, fill } = await admin()
    await fill('a')
    expect((await api('post', '/reconcile').send({ dryRun: true }).expect(200)).body).toMatchObject({
      state: 'done',
      removed: 1,
    })
    expect((await api('post', '/reconcile').expect(200)).body).toMatchObject({ state: 'done', removed: 1 })
    expect((await api('post', '/reconcile').expect(200)).body).toMatchObject({ state: 'done', removed: 0 })
    const { body } = await api('post', '/reconcile').send({ graceMs: -1, what: 1 }).expect(400)
    expect(body.faults.map(({ path }: { path: string }) => path)).toContain('graceMs')
  })

  test('what is not there, and what is not possible', async () => {
    const { api } = await admin()
    expect((await api('get', '/jobs/nothing').expect(404)).body).toMatchObject({ code: 'STRATA_NOT_FOUND' })
    await api('delete', '/jobs/nothing').expect(404)
    await api('post', '/jobs/nothing/cancel').expect(404)
    await api('post', '/jobs').expect(405).expect('allow', 'GET, HEAD')
    await api('get', '/jobs?state=done').expect(400)
  })
})

describe.each(['embedded', 'redis'] as const)('two nodes on %s', name => {
  let backend: TestBackend
  beforeEach(async () => {
    backend = await startBackend(name)
    onClose(() => backend.stop())
  })

  test("see each other's jobs", async () => {
    const [one, two] = [await openStrata(backend.options), await openStrata(backend.options)]
    const job = await done(one.operator, one.operator.sweep())
    expect(job).toMatchObject({ state: 'done', kind: 'sweep' })
    await until('the other sees it', async () =>
      (await two.operator.jobs()).some(({ id, state }) => id === job.id && state === 'done'),
    )
    const mine = await done(two.operator, two.operator.sweep())
    expect(mine.node).not.toBe(job.node)
    expect((await one.operator.jobs()).map(({ id }) => id)).toEqual([mine.id, job.id])
  })
})
