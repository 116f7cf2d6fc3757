import { describe, expect, jest, test } from '@jest/globals'
import { decodeJobs, encodeJobs, trimmed } from '../../../src/engine/jobs/job-list.js'
import type { Job } from '../../../src/engine/jobs/job.js'
import { Jobs, type JobsParts } from '../../../src/engine/jobs/jobs.js'
import type { JobStore } from '../../../src/engine/ports/job-store.js'
import type { Pass } from '../../../src/engine/sweep/pass.js'
import { memoryJobStore } from '../../../src/stores/memory/index.js'
import { gate, until } from '../../support/mounted-strata.js'
import { ManualTime } from '../../support/manual-timers.js'

/** Lets all that needs no timer come to its end. */
const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
}

function nodeOn(store: JobStore, time: ManualTime, name: string, extra: Partial<JobsParts> = {}) {
  const onError = jest.fn<(error: unknown) => void>()
  const jobs = new Jobs({ store, clock: time, timers: time, pace: 1, onError, node: name, ...extra })
  return { jobs, onError }
}

/** Work that waits until it is let go, one batch at a time. */
function heldWork() {
  const begun: Pass[] = []
  let doors: (() => void)[] = []
  const work = async (pass: Pass) => {
    await pass.run(
      async () => {
        const door = gate()
        doors.push(door.open)
        // Not before: whoever sees that it runs may let it go at once.
        begun.push(pass)
        await door.opened
        pass.examined += 5
        await pass.breathe()
        pass.removed += 2
      },
      { now: () => 1 },
    )
  }
  const release = () => {
    for (const open of doors) open()
    doors = []
  }
  return { begun, work, release }
}

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

describe('on several nodes', () => {
  test('one at a time: the other waits and goes on when it is over', async () => {
    const [store, time] = [memoryJobStore(), new ManualTime()]
    const [a, b] = [nodeOn(store, time, 'a').jobs, nodeOn(store, time, 'b').jobs]
    const [held, other] = [heldWork(), heldWork()]
    a.register('sweep', held.work)
    b.register('sweep', other.work)
    const first = a.request('sweep', 'asked')
    await until('it runs', () => held.begun.length === 1)
    const second = b.request('sweep', 'asked')
    await settle()
    time.advance(1000)
    await settle()
    expect(other.begun).toHaveLength(0)
    expect((await a.list()).map(({ id, state }) => [id, state])).toEqual([
      [second.id, 'queued'],
      [first.id, 'running'],
    ])
    held.release()
    await first.ended
    await settle()
    time.advance(1000)
    await until('the other runs', () => other.begun.length === 1)
    other.release()
    expect(await second.ended).toMatchObject({ state: 'done', node: 'b', resumed: 0 })
  })

  test('a job of a node that fell silent is gone on with where it was; the silent one finds out and stops', async () => {
    const [store, time] = [memoryJobStore(), new ManualTime()]
    // Its timers never run: the process hangs.
    const hung = nodeOn(store, time, 'hung', { timers: new ManualTime() }).jobs
    const { jobs } = nodeOn(store, time, 'alive')
    const [held, other] = [heldWork(), heldWork()]
    hung.register('sweep', held.work)
    jobs.register('sweep', other.work)
    const asked = hung.request('sweep', 'asked')
    await until('it runs', () => held.begun.length === 1)
    jobs.start()
    const elapse = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 1000) {
        time.advance(1000)
        await settle()
      }
    }
    await elapse(9000)
    expect(other.begun).toHaveLength(0)
    await elapse(12_000)
    expect(other.begun).toHaveLength(1)
    expect(await jobs.get(asked.id)).toMatchObject({ state: 'running', node: 'alive', resumed: 1 })
    other.release()
    await settle()
    held.release()
    await asked.ended
    await settle()
    expect(await jobs.get(asked.id)).toMatchObject({ state: 'done', node: 'alive', resumed: 1 })
    await jobs.stop()
  })

  test('a node that lives keeps its job, however long it takes', async () => {
    const [store, time] = [memoryJobStore(), new ManualTime()]
    const [a, b] = [nodeOn(store, time, 'a').jobs, nodeOn(store, time, 'b').jobs]
    const [held, other] = [heldWork(), heldWork()]
    a.register('sweep', held.work)
    b.register('sweep', other.work)
    b.start()
    const { id, ended } = a.request('sweep', 'asked')
    await until('it runs', () => held.begun.length === 1)
    for (let i = 0; i < 60; i++) {
      time.advance(1000)
      await settle()
    }
    expect(other.begun).toHaveLength(0)
    expect(await b.cancel(id)).toMatchObject({ state: 'running', cancelling: true })
    time.advance(2000)
    await settle()
    held.release()
    expect(await ended).toMatchObject({ state: 'cancelled' })
    await b.stop()
  })

  test('what a closing node leaves, the next one goes on with at its place', async () => {
    const [store, time] = [memoryJobStore(), new ManualTime()]
    const [a, b] = [nodeOn(store, time, 'a').jobs, nodeOn(store, time, 'b').jobs]
    const place = { epoch: 'e', seq: 7, floor: 0, cursor: 'c' }
    const held = heldWork()
    a.register('sweep', async pass => {
      pass.place = place
      await held.work(pass)
    })
    const seen: unknown[] = []
    b.register('sweep', pass =>
      pass.run(
        async () => {
          seen.push({ place: pass.place, examined: pass.examined })
          pass.swept = { epoch: 'e', seq: 7, floor: 0 }
        },
        { now: () => 1 },
      ),
    )
    const { id } = a.request('sweep', 'asked')
    await until('it runs', () => held.begun.length === 1)
    const stopped = a.stop()
    held.release()
    await stopped
    expect(await b.get(id)).toMatchObject({ state: 'queued', examined: 5 })
    b.start()
    for (let i = 0; i < 16; i++) {
      time.advance(1000)
      await settle()
    }
    expect(seen).toEqual([{ place, examined: 5 }])
    expect(await b.get(id)).toMatchObject({ state: 'done', resumed: 1 })
    expect(decodeJobs(await store.read()).swept).toEqual({ epoch: 'e', seq: 7, floor: 0 })
    await b.stop()
  })

  test('a list that the store has lost: what runs goes on and is told again', async () => {
    const [store, time] = [memoryJobStore(), new ManualTime()]
    const { jobs } = nodeOn(store, time, 'a')
    const held = heldWork()
    jobs.register('sweep', held.work)
    const { id, ended } = jobs.request('sweep', 'asked')
    await until('it runs', () => held.begun.length === 1)
    await store.swap(await store.read(), '')
    time.advance(2000)
    await settle()
    expect(decodeJobs(await store.read()).jobs).toMatchObject([{ id, state: 'running' }])
    held.release()
    expect(await ended).toMatchObject({ state: 'done' })
  })
})

describe('the list', () => {
  const job = (id: string, extra: Partial<Job> = {}): Job => ({
    ...{ id, kind: 'sweep', cause: 'asked', state: 'done', options: {}, createdAt: 1, node: 'n' },
    ...{ examined: 0, removed: 0, bodies: 0, bytes: 0, beat: 0, resumed: 0, cancelling: false },
    ...extra,
  })

  test('survives the way to text and back', () => {
    const list = { jobs: [job('a', { place: { epoch: 'e', seq: 1, floor: 0, cursor: 'c' }, total: 3 })] }
    expect(decodeJobs(encodeJobs(list))).toEqual(list)
  })

  test.each([
    '',
    'x',
    '[]',
    '{}',
    '{"v":2,"jobs":[]}',
    '{"v":1,"jobs":{}}',
    '{"v":1,"jobs":[1,{"id":"a"}]}',
    'null',
  ])('%j: nothing that could be used', text => expect(decodeJobs(text)).toEqual({ jobs: [] }))

  test('holds the newest that are over, all that are not, and no sweep that found nothing by itself', () => {
    const jobs = [
      job('old'),
      job('waiting', { state: 'queued' }),
      job('idle', { cause: 'interval' }),
      job('useful', { cause: 'interval', removed: 1 }),
      job('broken', { cause: 'interval', state: 'failed' }),
    ]
    expect(trimmed(jobs, 2).map(({ id }) => id)).toEqual(['waiting', 'useful', 'broken'])
  })
})

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
