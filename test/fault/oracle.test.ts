import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { SABOTAGES } from '../../src/engine/failpoints.js'
import type { Violation } from './rig/oracle.js'
import { run } from './rig/run.js'

/**
 * P1 as a black box: the oracle run (`npm run test:fault`) in short, each part with its seed. What it does is in rig/round.ts. Nothing
 * here depends on how fast the machine is: rounds are counted, and what a round promises is about order.
 */

const SEED = Number(process.env.STRATA_TEST_SEED ?? 20261120)

/** For a machine with much else to do. */
const TIMEOUT = 240_000

const told = (violations: readonly Violation[]) =>
  violations.map(({ url, message, history }) => [`${url}: ${message}`, ...history].join('\n'))

let began: number
beforeAll(() => {
  began = performance.now()
})
afterAll(() => {
  process.stdout.write(`oracle: seed ${SEED}, ${((performance.now() - began) / 1000).toFixed(0)} s\n`)
})

test.each([
  ['redis', 16],
  ['s3-redis', 12],
  ['redis-cluster', 8],
] as const)(
  'three nodes on %s: %i rounds of purges, fills and faults, and no answer older than a purge allows',
  async (backend, rounds) => {
    const { violations, rounds: done, tally } = await run({ backend, nodes: 3, seed: SEED, rounds })
    expect(told(violations)).toEqual([])
    expect(done).toBe(rounds)
    // It was about something: purges held, and entries were used.
    expect(tally.get('purge answered 200')).toBeGreaterThan(0)
    expect(tally.get('answer HIT')).toBeGreaterThan(0)
  },
  TIMEOUT,
)

describe('the oracle sees it when a part of P1 is taken out', () => {
  test.each(SABOTAGES.filter(sabotage => sabotage !== 'on'))(
    '%s',
    async sabotage => {
      const { violations } = await run({
        backend: 'redis',
        nodes: 3,
        seed: SEED,
        rounds: 400,
        sabotage,
        faults: 'none',
      })
      expect(violations.map(({ message }) => message)).toContainEqual(
        expect.stringMatching(/^node\d answered version \d+ where \d+ was the oldest that may be$/),
      )
    },
    TIMEOUT,
  )
})
