import { describe, expect, test } from '@jest/globals'
import { isSweeping } from '../../../../src/engine/access/sweeping.js'
import { planInvalidation } from '../../../../src/engine/operator/invalidate-plan.js'
import { turnsDuring } from '../../../support/turns.js'

describe('64 KB of globs', () => {
  const patterns = Array.from({ length: 1000 }, (_, i) => `/${'*a'.repeat(28)}${i}`)

  test('requests go first after every eighth while they are looked at', async () => {
    const { value, turns } = await turnsDuring(() => isSweeping({ patterns }))
    expect(value).toBe(false)
    expect(turns).toBeGreaterThanOrEqual(1000 / 8)
  })

  test('and after every sixteenth while marks are made of them', async () => {
    const { value, turns } = await turnsDuring(() =>
      planInvalidation({ patterns }, { now: 1, maxMarks: 1000 }),
    )
    expect(value).toHaveLength(1000)
    expect(turns).toBeGreaterThanOrEqual(2 * Math.floor(1000 / 16))
  })

  test.each(['!', 'a', '*', '{', '(', '://'])(
    'a single one of %s is not looked at: it is too long',
    async unit => {
      const { value, turns } = await turnsDuring(() => isSweeping({ patterns: [unit.repeat(65_536)] }))
      expect(value).toBe(false)
      expect(turns).toBeLessThanOrEqual(1)
    },
  )
})

test.each([
  [{ all: true }, true],
  [{ patterns: ['/tiles/**'] }, false],
  [{ patterns: ['/tiles/**', '**'] }, true],
  [{ patterns: ['/[a-f]**', '/[g-m]**', '/[n-z]**'] }, true],
  [{ pattern: '!/x', tag: 't' }, false],
  [{ pattern: '!/x' }, true],
  [{ prefix: 'http://h/' }, true],
  [{ prefix: 'http://h/a' }, false],
  [{ host: 'h' }, true],
  [{ keys: ['k'] }, false],
] as const)('%j: %s', async (request, sweeping) => {
  expect(await isSweeping(request)).toBe(sweeping)
})
