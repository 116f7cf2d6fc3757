import { expect, test } from '@jest/globals'
import { CRASH_POINTS, crashes } from './rig/crashes.js'
import { Random } from './rig/random.js'

/** P3: a node may be killed between any two steps of a fill (20 times at each by `npm run test:fault -- --crashes 20`). */

test.each([
  ['embedded', 1],
  ['s3-redis', 1],
] as const)(
  'kill -9 at every step of a fill on %s, %i time each: nothing torn is served, nothing is left lying about',
  async (backend, times) => {
    const result = await crashes({ backend, random: new Random(7), times })
    expect(result.faults).toEqual([])
    expect(result.kills).toBe(times * CRASH_POINTS.length)
    expect(result.bodiesLeft).toBe(result.bodiesReferred)
  },
  240_000,
)
