import { describe, expect, test } from '@jest/globals'
import { memoryJobStore } from '../../../../src/stores/memory/index.js'
import { heldWork, nodeOn, settle } from '../../../support/held-jobs.js'
import { ManualTime } from '../../../support/manual-timers.js'
import { until } from '../../../support/mounted-strata.js'

describe('on one node', () => {
  test('a job runs, is seen on its way, and stays in the list', async () => {
    const time = new ManualTime()
    const { jobs } = nodeOn(memoryJobStore(), time, 'n1')
    const held = heldWork()
    jobs.register('sweep', held.work)
    const { id, ended } = jobs.request('sweep', 'asked')
    expect(await jobs.get(id)).toMatchObject({ id, kind: 'sweep', cause: 'asked' })
    await until('it runs', () => held.begun.length === 1)
    held.begun[0]!.examined = 3
    expect(await jobs.get(id)).toMatchObject({
      state: 'running',
      examined: 3,
      removed: 0,
      node: 'n1',
      endedAt: null,
    })
    held.release()
    expect(await ended).toMatchObject({ state: 'done', examined: 8, removed: 2 })
    await settle()
    expect(await jobs.list()).toMatchObject([
      { id, state: 'done', examined: 8, startedAt: '2026-01-01T00:00:00.000Z' },
    ])
  })

  test('who asks while one waits shares it; while one runs, the next', async () => {
    const { jobs } = nodeOn(memoryJobStore(), new ManualTime(), 'n1')
    const held = heldWork()
    jobs.register('sweep', held.work)
    const first = jobs.request('sweep', 'interval')
    expect(jobs.request('sweep', 'asked').id).toBe(first.id)
    await until('it runs', () => held.begun.length === 1)
    const second = jobs.request('sweep', 'invalidation')
    expect(second.id).not.toBe(first.id)
    expect(jobs.request('sweep', 'invalidation').id).toBe(second.id)
    expect(jobs.request('sweep', 'asked', { dryRun: true }).id).not.toBe(second.id)
    await settle()
    expect(held.begun).toHaveLength(1)
    held.release()
    expect(await first.ended).toMatchObject({ state: 'done', cause: 'asked' })
    await until('the next one runs', () => held.begun.length === 2)
    held.release()
    await second.ended
  })

  test('cancelled while it runs, while it waits, and when it is over', async () => {
    const { jobs } = nodeOn(memoryJobStore(), new ManualTime(), 'n1')
    const held = heldWork()
    jobs.register('sweep', held.work)
    const running = jobs.request('sweep', 'asked')
    await until('it runs', () => held.begun.length === 1)
    const waiting = jobs.request('sweep', 'asked')
    await settle()
    expect(await jobs.cancel(waiting.id)).toMatchObject({ state: 'cancelled' })
    expect(await waiting.ended).toMatchObject({ state: 'cancelled' })
    expect(await jobs.cancel(running.id)).toMatchObject({ state: 'running', cancelling: true })
    held.release()
    expect(await running.ended).toMatchObject({ state: 'cancelled', examined: 5, removed: 0 })
    await settle()
    expect(await jobs.cancel(running.id)).toMatchObject({ state: 'cancelled' })
    await expect(jobs.cancel('nothing')).rejects.toMatchObject({ code: 'STRATA_NOT_FOUND' })
    await expect(jobs.get('nothing')).rejects.toMatchObject({ code: 'STRATA_NOT_FOUND' })
    expect(held.begun).toHaveLength(1)
  })

  test('a failure says why', async () => {
    const { jobs } = nodeOn(memoryJobStore(), new ManualTime(), 'n1')
    jobs.register('sweep', pass =>
      pass.run(() => Promise.reject(new Error('the disk is full')), { now: () => 1 }),
    )
    expect(await jobs.request('sweep', 'asked').ended).toMatchObject({
      state: 'failed',
      error: 'the disk is full',
    })
  })

  test('a list that cannot be had: the job has failed, and the next one is tried', async () => {
    const memory = memoryJobStore()
    let isDown = true
    const store = { ...memory, read: () => (isDown ? Promise.reject(new Error('down')) : memory.read()) }
    const { jobs, onError } = nodeOn(store, new ManualTime(), 'n1')
    jobs.register('sweep', pass => pass.run(async () => {}, { now: () => 1 }))
    expect(await jobs.request('sweep', 'asked').ended).toMatchObject({ state: 'failed', error: 'down' })
    expect(onError).toHaveBeenCalledTimes(1)
    isDown = false
    expect(await jobs.request('sweep', 'asked').ended).toMatchObject({ state: 'done' })
    await settle()
    expect((await jobs.list()).map(({ state }) => state)).toEqual(['done', 'failed'])
  })

  test('not without end: more than 32 that wait are refused', async () => {
    const { jobs } = nodeOn(memoryJobStore(), new ManualTime(), 'n1')
    for (let i = 0; i < 32; i++) jobs.request('reconcile', 'asked', { graceMs: i })
    expect(() => jobs.request('reconcile', 'asked', { graceMs: 99 })).toThrow('32 jobs wait already')
  })
})
