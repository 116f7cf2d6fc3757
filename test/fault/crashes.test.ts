import { expect, test } from '@jest/globals'
import { CRASH_POINTS, crashes } from './rig/crashes.js'
import { Random } from './rig/random.js'

/** P3: a node may be killed between any two steps of a fill (20 times at each by `npm run test:fault -- --crashes 20`). */

test.each(['embedded', 'redis', 's3-redis'] as const)(
  'kill -9 at every step of a fill on %s: nothing torn is served, nothing is left lying about',
  async backend => {
    const result = await crashes({ backend, random: new Random(7), times: 2 })
    expect(result.faults).toEqual([])
    expect(result.kills).toBe(2 * CRASH_POINTS.length)
    expect(result.bodiesLeft).toBe(result.bodiesReferred)
  },
  120_000,
)
