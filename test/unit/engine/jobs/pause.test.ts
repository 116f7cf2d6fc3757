import { describe, expect, test } from '@jest/globals'
import { memoryJobStore } from '../../../../src/stores/memory/index.js'
import { heldWork, nodeOn, settle } from '../../../support/held-jobs.js'
import { ManualTime } from '../../../support/manual-timers.js'
import { until } from '../../../support/mounted-strata.js'

describe('a job that is paused', () => {
  test('keeps its place, waits while it is, and goes on at another node', async () => {
    const time = new ManualTime()
    const store = memoryJobStore()
    const { jobs } = nodeOn(store, time, 'n1')
    const other = nodeOn(store, time, 'n2')
    const held = heldWork()
    jobs.register('sweep', held.work)
    const { id, ended } = jobs.request('sweep', 'asked')
    await until('it runs', () => held.begun.length === 1)
    expect(await other.jobs.pause(id)).toMatchObject({ state: 'running', pausing: true })
    time.advance(2000)
    await until('it hears of it', () => held.begun[0]!.cancelled)
    held.release()
    expect(await ended).toMatchObject({ state: 'paused', examined: 5, removed: 0 })
    await settle()
    expect(await other.jobs.get(id)).toMatchObject({ state: 'paused', examined: 5 })
    expect((await other.jobs.get(id)).pausing).toBeUndefined()
    other.jobs.register('sweep', held.work)
    expect(await other.jobs.resume(id)).toMatchObject({ id })
    await until('it goes on', () => held.begun.length === 2)
    expect(held.begun[1]!.examined).toBe(5)
    await settle()
    held.release()
    await until('it is done', async () => (await jobs.get(id)).state === 'done')
    expect(await jobs.get(id)).toMatchObject({ node: 'n2', resumed: 1, examined: 10 })
    await expect(jobs.pause(id)).rejects.toMatchObject({ code: 'STRATA_BAD_REQUEST' })
    await expect(jobs.resume(id)).rejects.toMatchObject({ code: 'STRATA_BAD_REQUEST' })
    await expect(jobs.pause('none')).rejects.toMatchObject({ code: 'STRATA_NOT_FOUND' })
  })

  test('before it has begun, is cancelled where it stands', async () => {
    const time = new ManualTime()
    const store = memoryJobStore()
    const { jobs } = nodeOn(store, time, 'n1')
    const { id } = jobs.request('sweep', 'asked')
    await settle()
    expect(await jobs.pause(id)).toMatchObject({ state: 'paused' })
    expect(await jobs.cancel(id)).toMatchObject({ state: 'cancelled' })
  })
})
