import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { decide } from '../../../src/http/decide.js'
import { mayStandIn } from '../../../src/http/judge.js'
import { usefulUntil } from '../../../src/http/useful.js'
import { CAME, candidateFor, policyFor, requestFor } from '../../support/responses.js'

type Fields = Record<string, string>

test.each<[string, Fields, number, number, number]>([
  ['while fresh', { 'Cache-Control': 'max-age=60' }, 0, 100, 60],
  ['less its age', { 'Cache-Control': 'max-age=60' }, 20, 100, 40],
  ['no longer', { 'Cache-Control': 'max-age=60' }, 80, 100, 0],
  [
    'then while it may be served stale',
    { 'Cache-Control': 'max-age=60, stale-while-revalidate=5' },
    0,
    100,
    65,
  ],
  [
    '… or stand in',
    { 'Cache-Control': 'max-age=60, stale-while-revalidate=5, stale-if-error=9' },
    0,
    100,
    69,
  ],
  [
    'then, with a validator, for revalidation',
    { 'Cache-Control': 'max-age=60, stale-if-error=9', ETag: '"a"' },
    0,
    100,
    160,
  ],
  ['the longest of them', { 'Cache-Control': 'max-age=60, stale-if-error=900', ETag: '"a"' }, 0, 100, 960],
  ['a validator alone', { ETag: '"a"' }, 0, 100, 100],
  ['nothing', {}, 0, 100, 0],
  [
    'counted from its coming where it came stale',
    { 'Cache-Control': 'max-age=60', ETag: '"a"' },
    80,
    100,
    100,
  ],
])('%s', (_name, fields, age, keep, seconds) => {
  expect(usefulUntil(policyFor(fields), age * 1000, CAME, keep)).toBe(CAME + seconds * 1000)
})

test('is a whole number of milliseconds', () => {
  expect(usefulUntil(policyFor({ 'Cache-Control': 'max-age=60' }), 0.4, CAME, 0)).toBe(CAME + 60_000)
})

test('after it no request is answered with the entry, and no validation can use it', () => {
  const directive = fc
    .tuple(fc.constantFrom('max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'), fc.nat(100))
    .map(([name, n]) => `${name}=${n}`)
  fc.assert(
    fc.property(
      fc.array(directive, { maxLength: 4 }),
      fc.boolean(),
      fc.nat(150),
      fc.nat(100),
      (list, tagged, age, keep) => {
        const fields = {
          'Cache-Control': list.join(', '),
          Age: String(age),
          ...(tagged ? { ETag: '"a"' } : {}),
        }
        const candidate = candidateFor(fields)
        const until = usefulUntil(candidate.policy, candidate.initialAge, CAME, keep)
        for (const later of [0, 1, 50_000]) {
          const decision = decide(requestFor(), candidate, false, until + later)
          expect(['fetch', 'revalidate']).toContain(decision.action)
          expect(mayStandIn(candidate, until + later)).toBe(false)
        }
      },
    ),
    { numRuns: 300 },
  )
})
