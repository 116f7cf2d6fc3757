import { describe, expect, test } from '@jest/globals'
import { Flight, type FlightReader } from '../../../src/engine/flight.js'
import type { FillLocks } from '../../../src/engine/ports/index.js'
import { RemoteFlight, type RemoteFlightPlan } from '../../../src/engine/remote-flight.js'
import { ManualTime } from '../../support/manual-timers.js'
import { memoryLocks } from '../../support/node-doubles.js'

const turns = () => new Promise<void>(resolve => setImmediate(resolve))
const nothing = () => undefined

/** Nodes that share the locks, each with one flight for the same key. */
function shared() {
  const time = new ManualTime()
  const locks = memoryLocks(time, time)
  const node = (own: Partial<Omit<RemoteFlightPlan, 'locks'>> & { locks?: Partial<FillLocks> } = {}) => {
    const events: string[] = []
    const flight = new Flight({ bufferBytes: 1, stallMs: 1 })
    const reader: FlightReader = {
      isFor: () => true,
      accepts: () => true,
      onHead: nothing,
      onChunk: () => true,
      onEnd: nothing,
      onFailure: nothing,
      onStored: nothing,
      onReleased: () => events.push('released'),
    }
    if (own.background !== true) flight.join(reader)
    const remote = new RemoteFlight({
      clock: time,
      timers: time,
      flight,
      name: 'GET /a',
      trip: { lookedUpAt: time.monotonic() },
      settings: { limits: { remoteWaitMs: 60_000 } },
      background: false,
      start: () => events.push('started'),
      onUncacheable: () => events.push('uncacheable'),
      ...own,
      locks: { ...locks, ...own.locks },
    })
    return { events, flight, reader, remote, begin: () => void remote.begin() }
  }
  /** Moves on in small steps, so that what waits can act. */
  const pass = async (ms: number) => {
    for (let i = 0; i < ms; i += 5) {
      await turns()
      time.advance(5)
    }
    await turns()
  }
  return { time, locks, node, pass }
}

describe('one flight among nodes', () => {
  test('the first asks the origin; the others go back to the stores when it is over', async () => {
    const { node, pass } = shared()
    const [first, second, third] = [node(), node(), node()]
    first.begin()
    await turns()
    second.begin()
    third.begin()
    await pass(10_000) // as long as it takes: the lock is extended
    expect([first, second, third].map(({ events }) => events)).toEqual([['started'], [], []])
    first.flight.settle()
    await turns()
    expect([second, third].map(({ events }) => events)).toEqual([['released'], ['released']])
    expect([second, third].map(({ flight }) => flight.settled)).toEqual([true, true])
  })

  test('who looked into the stores before it was over, and comes after, looks again; who looks later asks', async () => {
    const { node, time, pass } = shared()
    const first = node()
    const late = node()
    first.begin()
    await pass(50)
    first.flight.settle()
    await pass(10)
    late.begin()
    await turns()
    expect(late.events).toEqual(['released'])
    const later = node({ trip: { lookedUpAt: time.monotonic() } })
    later.begin()
    await turns()
    expect(later.events).toEqual(['started'])
  })

  test('what is not for sharing releases all at its head, and nobody waits for a while', async () => {
    const { node, pass } = shared()
    const [first, second] = [node(), node()]
    first.begin()
    await turns()
    second.begin()
    await pass(20)
    first.remote.release(5_000)
    await turns()
    expect(second.events).toEqual(['uncacheable', 'released'])
    const third = node()
    third.begin()
    await turns()
    expect(third.events).toEqual(['uncacheable', 'released'])
    first.flight.settle()
    await pass(5_010)
    const fourth = node()
    fourth.begin()
    await turns()
    expect(fourth.events).toEqual(['started'])
  })

  test('a leader that dies: one of those who wait takes over', async () => {
    const { node, pass, time } = shared()
    const dead = node({ timers: { after: () => nothing } }) // nothing of it runs any more
    dead.begin()
    await turns()
    const [second, third] = [node(), node()]
    second.begin()
    third.begin()
    await pass(1_990)
    expect([...second.events, ...third.events]).toEqual([])
    await pass(600)
    expect([...second.events, ...third.events]).toEqual(['started'])
    expect(time.monotonic()).toBeGreaterThan(0)
  })

  test('nobody waits for longer than he may: then on alone', async () => {
    const { node, pass } = shared()
    const first = node()
    first.begin()
    await turns()
    const second = node({ settings: { limits: { remoteWaitMs: 700 } } })
    second.begin()
    await pass(690)
    expect(second.events).toEqual([])
    await pass(20)
    expect(second.events).toEqual(['started'])
    // Its end says nothing about the lock, which is the first one's.
    second.flight.settle()
    const third = node()
    third.begin()
    await pass(100)
    expect(third.events).toEqual([])
  })

  test('locks that fail: on without, at once or in the midst of waiting', async () => {
    const { node, pass } = shared()
    const first = node({ locks: { tryLock: () => Promise.reject(new Error('gone')) } })
    first.begin()
    await turns()
    expect(first.events).toEqual(['started'])

    const holder = node()
    holder.begin()
    await turns()
    let tries = 0
    const second = node({
      locks: {
        tryLock: async () => {
          if (++tries > 2) throw new Error('gone')
          return { state: 'busy', remainingMs: 2_000 }
        },
        extend: () => Promise.reject(new Error('gone')),
        unlock: () => Promise.reject(new Error('gone')),
      },
    })
    second.begin()
    await pass(200)
    expect(second.events).toEqual(['started'])
    await pass(2_000)
    second.flight.settle()
    await turns()
  })

  test('a lock that was taken by a call that timed out is given back all the same', async () => {
    const { node, locks } = shared()
    const first = node({
      locks: {
        tryLock: async (...args) => {
          await locks.tryLock(...args)
          throw new Error('no answer in time')
        },
      },
    })
    first.begin()
    await turns()
    expect(first.events).toEqual(['started'])
    const second = node()
    second.begin()
    await turns()
    expect(second.events).toEqual([])
    first.flight.settle()
    await turns()
    expect(second.events).toEqual(['released'])
  })

  test('all clients have left while it waited: nobody asks', async () => {
    const { node, pass } = shared()
    const first = node()
    first.begin()
    await turns()
    const second = node()
    second.begin()
    await pass(100)
    second.flight.leave(second.reader)
    await pass(1_000)
    expect(second.events).toEqual([])
    expect(second.flight.settled).toBe(true)
  })

  test('a refresh in the background does not wait: another node is at it', async () => {
    const { node } = shared()
    const first = node({ background: true })
    first.begin()
    await turns()
    expect(first.events).toEqual(['started'])
    const second = node({ background: true })
    second.begin()
    await turns()
    expect(second.events).toEqual([])
    expect(second.flight.settled).toBe(true)
  })

  test('other keys do not wait', async () => {
    const { node } = shared()
    const [first, second] = [node(), node({ name: 'GET /b' })]
    first.begin()
    second.begin()
    await turns()
    expect([first.events, second.events]).toEqual([['started'], ['started']])
  })
})
