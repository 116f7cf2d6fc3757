import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { FillLocks } from '../../src/engine/ports/index.js'
import { sampleKey } from '../support/entries.js'

export interface LocksHarness {
  readonly locks: FillLocks
  /** The locks as another node has them. */
  readonly other: FillLocks
  /** Lets time pass by the locks' clock. */
  pass(ms: number): Promise<void>
  cleanup(): Promise<void>
}

const NAME = sampleKey('name')

/** The contract of the port in src/engine/ports/fill-locks.ts. */
export function fillLocksSuite(name: string, open: () => Promise<LocksHarness>): void {
  describe(`FillLocks contract: ${name}`, () => {
    let harness: LocksHarness
    beforeEach(async () => {
      harness = await open()
    })
    afterEach(() => harness.cleanup())

    test('one at a time, each name by itself', async () => {
      const { locks, other } = harness
      expect(await locks.tryLock(NAME, 'a', 10_000, 0)).toEqual({ state: 'taken' })
      const answer = await other.tryLock(NAME, 'b', 10_000, 0)
      expect(answer).toEqual({ state: 'busy', remainingMs: expect.any(Number) })
      expect(await other.tryLock(sampleKey('other'), 'b', 10_000, 0)).toEqual({ state: 'taken' })
      expect(await locks.tryLock(NAME, 'a', 10_000, 0)).toEqual({ state: 'taken' })
    })

    test('of many at once, one', async () => {
      const { locks, other } = harness
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) => (i % 2 ? locks : other).tryLock(NAME, `t${i}`, 10_000, 0)),
      )
      expect(answers.filter(({ state }) => state === 'taken')).toHaveLength(1)
      expect(answers.filter(({ state }) => state === 'busy')).toHaveLength(39)
    })

    test('it lapses, unless it is extended', async () => {
      const { locks, other, pass } = harness
      await locks.tryLock(NAME, 'a', 60, 0)
      expect(await locks.extend(NAME, 'a', 10_000)).toBe(true)
      await pass(70)
      expect(await other.tryLock(NAME, 'b', 30, 0)).toMatchObject({ state: 'busy' })
      await locks.unlock(NAME, 'a')
      await pass(5)
      expect(await other.tryLock(NAME, 'b', 30, 0)).toEqual({ state: 'taken' })
      await pass(40)
      expect(await locks.tryLock(NAME, 'c', 10_000, 0)).toEqual({ state: 'taken' })
    })

    test('only the holder extends and gives back: a holder that was too slow does nothing to its successor', async () => {
      const { locks, other, pass } = harness
      await locks.tryLock(NAME, 'slow', 20, 0)
      await pass(30)
      await other.tryLock(NAME, 'next', 10_000, 0)
      expect(await locks.extend(NAME, 'slow', 10_000)).toBe(false)
      await locks.unlock(NAME, 'slow')
      await locks.unlock(NAME, 'slow', 10_000)
      expect(await locks.tryLock(NAME, 'third', 10_000, 10_000)).toMatchObject({ state: 'busy' })
      await locks.extend(sampleKey('nobody has it'), 'slow', 10_000)
      await locks.unlock(sampleKey('nobody has it'), 'slow')
      expect(await other.tryLock(sampleKey('nobody has it'), 'x', 10_000, 10_000)).toEqual({ state: 'taken' })
    })

    test('given back: over for who looked into the store before, free for who looks after it', async () => {
      const { locks, other, pass } = harness
      await locks.tryLock(NAME, 'a', 10_000, 0)
      await locks.unlock(NAME, 'a')
      await pass(5)
      expect(await other.tryLock(NAME, 'b', 10_000, 1_000)).toEqual({ state: 'over' })
      expect(await other.tryLock(NAME, 'b', 10_000, 1_000)).toEqual({ state: 'over' })
      expect(await other.tryLock(NAME, 'b', 10_000, 0)).toEqual({ state: 'taken' })
    })

    test('uncacheable for a while: nobody takes it, nobody waits', async () => {
      const { locks, other, pass } = harness
      await locks.tryLock(NAME, 'a', 10_000, 0)
      await locks.unlock(NAME, 'a', 60)
      expect(await other.tryLock(NAME, 'b', 10_000, 0)).toEqual({ state: 'uncacheable' })
      expect(await locks.tryLock(NAME, 'a', 10_000, 1_000)).toEqual({ state: 'uncacheable' })
      await pass(70)
      expect(await other.tryLock(NAME, 'b', 10_000, 0)).toEqual({ state: 'taken' })
    })

    test.each([undefined, 5_000])('who waits is woken when it is given back (%s)', async uncacheableMs => {
      const { locks, other } = harness
      await locks.tryLock(NAME, 'a', 10_000, 0)
      await other.tryLock(NAME, 'b', 10_000, 0)
      const woken = other.wait(NAME, 3_600_000)
      const elsewhere = other.wait(sampleKey('elsewhere'), 3_600_000).then(() => 'woken')
      await locks.unlock(NAME, 'a', uncacheableMs)
      await woken
      expect(await Promise.race([elsewhere, Promise.resolve('asleep')])).toBe('asleep')
    })

    test('who waits in vain goes on after its time', async () => {
      const { locks, pass } = harness
      const waited = locks.wait(NAME, 10)
      await pass(20)
      await waited
    })
  })
}
