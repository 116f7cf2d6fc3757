import { describe, expect, test } from '@jest/globals'
import { decodeJobs } from '../../../../src/engine/jobs/job-list.js'
import { memoryJobStore } from '../../../../src/stores/memory/index.js'
import { heldWork, nodeOn, settle } from '../../../support/held-jobs.js'
import { ManualTime } from '../../../support/manual-timers.js'
import { until } from '../../../support/mounted-strata.js'

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
