import { expect, test } from '@jest/globals'
import { standstill } from './rig/standstill.js'

/** P5: 10 s by `npm run test:fault -- --standstill 10`. */
test('Redis stands still for 2 s under load: every request is answered, no purge says that it holds, and hits come back', async () => {
  const { before, during, faults } = await standstill(2000)
  expect(faults).toEqual([])
  expect(before.get('200 HIT')).toBeGreaterThan(0)
  expect(during.total('200 ')).toBeGreaterThan(0)
  expect(during.get('purge 200')).toBe(0)
  process.stdout.write(
    `standstill: p99 ${before.percentile(0.99).toFixed(0)} ms before, ${during.percentile(0.99).toFixed(0)} ms during\n`,
  )
}, 120_000)
