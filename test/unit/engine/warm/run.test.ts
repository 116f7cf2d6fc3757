import { describe, expect, test } from '@jest/globals'
import { StrataError } from '../../../../src/errors.js'
import { Failures } from '../../../../src/engine/warm/failures.js'
import type { Warmed } from '../../../../src/engine/warm/fetch.js'
import { Pace } from '../../../../src/engine/warm/pace.js'
import { WarmRun, type WarmRunLimits, type WarmRunParts } from '../../../../src/engine/warm/run.js'
import { newTally, type WarmTally } from '../../../../src/engine/warm/tally.js'
import { urlSource } from '../../../../src/engine/warm/urls.js'
import { ManualTime } from '../../../support/manual-timers.js'

/** Lets all that needs no timer come to its end. */
const settle = async () => {
  for (let i = 0; i < 30; i++) await new Promise(resolve => setImmediate(resolve))
}

const LIMITS: WarmRunLimits = {
  ...{ concurrency: 4, rate: 0, bytesPerSecond: 0, retries: 0, batch: 1000, giveUpMs: 60_000 },
}

function runOf(
  count: number,
  warm: (name: string) => Promise<Warmed>,
  limits: Partial<WarmRunLimits> = {},
  parts: Partial<WarmRunParts> & { tally?: WarmTally } = {},
) {
  const time = new ManualTime()
  const asked: string[] = []
  const saved: WarmTally[] = []
  const source = urlSource(Array.from({ length: count }, (_, i) => `/${i + 1}`))
  const { tally = newTally(count), ...own } = parts
  const failures = new Failures()
  const run = new WarmRun(
    {
      clock: time,
      timers: time,
      standing: async () => 'cold',
      warm: ({ name }) => {
        asked.push(name)
        return warm(name)
      },
      save: async () => void saved.push({ ...tally }),
      ...own,
    },
    source,
    { ...LIMITS, ...limits },
    tally,
    failures,
  )
  /** To its end, time going on as it likes. */
  const finish = async () => {
    let isOver = false
    const ended = run.run().finally(() => {
      isOver = true
    })
    ended.catch(() => {})
    while (!isOver) {
      await settle()
      time.advance(500)
    }
    return ended
  }
  return { run, time, asked, saved, tally, failures, finish }
}

const fetched = async (): Promise<Warmed> => ({ result: 'fetched', bytes: 10 })

describe('a run of warming', () => {
  test('counts in order: tally and place go together, whatever is over first', async () => {
    const doors = new Map<string, () => void>()
    const { run, tally, asked } = runOf(
      6,
      name => new Promise<Warmed>(resolve => doors.set(name, () => resolve({ result: 'fetched', bytes: 1 }))),
    )
    void run.run()
    await settle()
    expect(asked).toEqual(['/1', '/2', '/3', '/4'])
    for (const name of ['/2', '/3', '/4']) doors.get(name)!()
    await settle()
    expect(tally).toMatchObject({ done: 0, fetched: 0, after: '' })
    doors.get('/1')!()
    await settle()
    expect(tally).toMatchObject({ done: 4, fetched: 4, after: '/4', bytes: 4 })
    run.stop()
  })

  test('never goes on by more than a batch beyond what is written down', async () => {
    let writes: (() => void)[] = []
    const { run, asked } = runOf(
      100,
      fetched,
      { batch: 8 },
      { save: () => new Promise<void>(done => writes.push(done)) },
    )
    void run.run()
    await settle()
    expect(asked).toHaveLength(8)
    for (const done of writes.splice(0)) done()
    writes = []
    await settle()
    expect(asked.length).toBeGreaterThan(8)
    expect(asked.length).toBeLessThanOrEqual(16)
    run.stop()
  })

  test('goes on where another has written down its place', async () => {
    const tally = { ...newTally(10), done: 7, after: '/7', fetched: 7 }
    const { finish, asked } = runOf(10, fetched, {}, { tally })
    await finish()
    expect(asked).toEqual(['/8', '/9', '/10'])
    expect(tally).toMatchObject({ done: 10, fetched: 10 })
  })

  test('what has failed comes again when all others are done, so many times and no more', async () => {
    const tries = new Map<string, number>()
    const { finish, tally, failures, asked } = runOf(
      5,
      async name => {
        tries.set(name, (tries.get(name) ?? 0) + 1)
        const isSick = name === '/2' || (name === '/4' && tries.get(name)! < 3)
        return isSick ? { result: 'failed', reason: 'sick', bytes: 0 } : { result: 'fetched', bytes: 1 }
      },
      { retries: 2, concurrency: 1 },
    )
    await finish()
    expect(asked).toEqual(['/1', '/2', '/3', '/4', '/5', '/2', '/4', '/2', '/4'])
    expect(tally).toMatchObject({ done: 5, fetched: 4, failed: 1, retried: 4 })
    expect(failures.list()).toEqual([{ name: '/2', reason: 'sick' }])
  })

  test('gives up when nothing but failures has come for long, and keeps its place', async () => {
    const { run, time, tally } = runOf(
      1000,
      fetched,
      { giveUpMs: 10_000 },
      {
        warm: async (_item, _found, watched) => {
          watched.failed()
          return { result: 'failed', reason: 'down', bytes: 0 }
        },
      },
    )
    let error: unknown
    const ended = run.run().catch((thrown: unknown) => {
      error = thrown
    })
    while (error === undefined) {
      await settle()
      time.advance(500)
    }
    await ended
    expect(String(error)).toMatch(/failed for 10 s/)
    // It did not run through the list meanwhile.
    expect(tally.done).toBeLessThan(30)
  })

  test('a store that is silent for a while is waited for: nothing fails by it, and the origin is left alone', async () => {
    let isDown = false
    let looks = 0
    const { run, time, tally, asked } = runOf(
      200,
      async () => {
        if (asked.length === 20) isDown = true
        return { result: 'fetched', bytes: 10 }
      },
      {},
      {
        standing: async () => {
          looks++
          if (isDown) throw new StrataError('STRATA_STORE_UNAVAILABLE', 'redis is left alone for a while')
          return 'cold'
        },
      },
    )
    const ended = run.run()
    await settle()
    const [before, askedBefore] = [looks, asked.length]
    expect(askedBefore).toBeLessThan(60)
    for (let i = 0; i < 20; i++) {
      time.advance(500)
      await settle()
    }
    // Each of the few under way looks again now and then; no other is begun.
    expect(looks).toBeGreaterThan(before)
    expect(looks - before).toBeLessThan(21 * 40)
    expect(asked).toHaveLength(askedBefore)
    isDown = false
    time.advance(500)
    await settle()
    await ended
    expect(tally).toMatchObject({ done: 200, fetched: 200, failed: 0, retried: 0 })
  })

  test('gives up on a store that is silent for long, and keeps its place', async () => {
    const { finish, tally } = runOf(
      1000,
      fetched,
      { giveUpMs: 10_000 },
      {
        standing: async () => {
          throw new StrataError('STRATA_STORE_TIMEOUT', 'redis did not answer within 150 ms')
        },
      },
    )
    await expect(finish()).rejects.toThrow('the store has not answered for 10 s')
    expect(tally).toMatchObject({ done: 0, failed: 0 })
  })

  test('a list that cannot be written is no reason to lose what is done', async () => {
    let broken = 2
    const { finish, tally } = runOf(
      40,
      fetched,
      { batch: 8 },
      {
        save: async () => {
          if (broken-- > 0) throw new Error('down')
        },
      },
    )
    await finish()
    expect(tally).toMatchObject({ done: 40, fetched: 40 })
  })
})

describe('the pace', () => {
  test('keeps to rate and bytes, and asks less of an origin that fails or is slow', () => {
    const time = new ManualTime()
    const pace = new Pace({ concurrency: 16, rate: 10, bytesPerSecond: 0 }, time)
    expect([pace.take(), pace.take(), pace.take()]).toEqual([0, 100, 200])
    const bytes = new Pace({ concurrency: 16, rate: 0, bytesPerSecond: 1000 }, time)
    expect(bytes.take()).toBe(0)
    bytes.answered(5, 500)
    expect(bytes.take()).toBe(500)
    const free = new Pace({ concurrency: 16, rate: 0, bytesPerSecond: 0 }, time)
    expect([free.take(), free.take(), free.width]).toEqual([0, 0, 16])
    free.failed()
    free.failed()
    expect(free.width).toBe(4)
    expect(free.take()).toBeGreaterThan(0)
    for (let i = 0; i < 40; i++) free.answered(5, 0)
    expect(free.width).toBe(16)
    for (let i = 0; i < 3; i++) free.answered(100 * 4 ** i, 0)
    expect(free.width).toBeLessThan(8)
  })
})

test('failures: so many by name, as a paper and back', () => {
  const failures = new Failures()
  failures.add('5/1/2', 'the origin\n answered\t500')
  failures.add('/a?b=c d', 'x'.repeat(1000))
  expect(new Failures(failures.text()).list()).toEqual([
    { name: '5/1/2', reason: 'the origin answered 500' },
    { name: '/a?b=c d', reason: 'x'.repeat(160) },
  ])
  for (let i = 0; i < 6000; i++) failures.add(`t/${i}`, 'r')
  expect(failures.size).toBe(5000)
})
