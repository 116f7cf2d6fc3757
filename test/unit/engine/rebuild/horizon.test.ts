import { beforeEach, describe, expect, test } from '@jest/globals'
import { CLOCK_SKEW_MS, Horizon } from '../../../../src/engine/rebuild/horizon.js'
import type { BodyNotes } from '../../../../src/engine/ports/index.js'
import { guardMetadata } from '../../../../src/stores/guarded.js'
import { memoryMetadataStore } from '../../../../src/stores/memory/index.js'
import { ManualTime } from '../../../support/manual-timers.js'

const BOUNDS = { timeoutMs: 60_000, breakerFailures: 5, breakerResetMs: 1000 }

let time: ManualTime
let raised: number[]
let answer: () => Promise<void>
let errors: string[]
beforeEach(() => {
  time = new ManualTime()
  raised = []
  errors = []
  answer = () => Promise.resolve()
})

function make() {
  const notes: Pick<BodyNotes, 'raiseHorizon'> = {
    raiseHorizon: async to => {
      await answer()
      raised.push(to)
    },
  }
  const horizon = new Horizon({
    notes: notes as BodyNotes,
    clock: time,
    timers: time,
    onError: error => errors.push(error),
  })
  return { horizon, store: horizon.over(guardMetadata(memoryMetadataStore(), BOUNDS)) }
}

/** Lets everything happen that waits for no timer. */
const turns = () => new Promise(resolve => setImmediate(resolve))

describe('invalidations are noted before they are logged', () => {
  test('one write for all of a minute, always ahead by what clocks may differ', async () => {
    const { horizon, store } = make()
    for (let second = 0; second <= 60; second++) {
      const state = await store.invalidate(['m'])
      expect(horizon.covers(state)).toBe(true)
      expect(raised.at(-1)! - time.now()).toBeGreaterThanOrEqual(CLOCK_SKEW_MS)
      time.advance(1000)
    }
    expect(raised).toHaveLength(1)
    await store.invalidate(['m'])
    expect(raised).toHaveLength(2)
  })

  test('many at once share the write', async () => {
    const { store } = make()
    await Promise.all(Array.from({ length: 20 }, () => store.invalidate(['m'])))
    expect(raised).toHaveLength(1)
  })

  test('nothing is logged before the write has ended', async () => {
    const { store } = make()
    let end!: () => void
    answer = () => new Promise(resolve => (end = resolve))
    const purge = Promise.resolve(store.invalidate(['m']))
    await turns()
    expect(await store.markCount()).toBe(0)
    end()
    expect((await purge).seq).toBe(1)
  })

  test('a write that fails: it is logged all the same, but does not count as noted; the next that is noted does', async () => {
    const { horizon, store } = make()
    answer = () => Promise.reject(new Error('no bucket'))
    const state = await store.invalidate(['m'])
    expect(horizon.covers(state)).toBe(false)
    expect(errors).toEqual(['no bucket'])
    answer = () => Promise.resolve()
    // It is tried again without anybody asking.
    time.advance(1000)
    await turns()
    expect(raised).toHaveLength(1)
    expect(horizon.covers(state)).toBe(false)
    const next = await store.invalidate(['m'])
    expect(horizon.covers(next)).toBe(true)
  })

  test('a write that hangs holds up one invalidation in five seconds, for half a second', async () => {
    const { horizon, store } = make()
    answer = () => new Promise(() => undefined)
    const first = Promise.resolve(store.invalidate(['m']))
    await turns()
    time.advance(500)
    expect(horizon.covers(await first)).toBe(false)
    expect(horizon.covers(await store.invalidate(['m']))).toBe(false)
    expect(await store.markCount()).toBe(2)
  })
})
