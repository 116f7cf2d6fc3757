import { describe, expect, test } from '@jest/globals'
import { AnswerFields, notModifiedFields } from '../../../src/engine/answer-fields.js'
import { candidateOf } from '../../../src/engine/candidates.js'
import { MemoryTier, type Resident } from '../../../src/engine/memory-tier.js'
import { residentOf } from '../../../src/engine/resident.js'
import { loadConfig, toEngineSettings } from '../../../src/config/index.js'
import { sampleEntry } from '../../support/entries.js'
import { ruleWith } from '../../support/requests.js'

const { http } = toEngineSettings(loadConfig({}))
const answers = new AnswerFields(http)

function resident(variant: string, size: number): Resident {
  const candidate = candidateOf(sampleEntry({ variant }), ruleWith(), false)
  return residentOf(candidate, Buffer.alloc(size), 0)
}

describe('the memory tier is bounded (P9)', () => {
  const tier = (more: Partial<ConstructorParameters<typeof MemoryTier>[0]> = {}) =>
    new MemoryTier({ maxBytes: 100_000, maxEntries: 10, maxBodyBytes: 50_000, maxPieceBytes: 0, ...more })

  test('in bytes, least recently used first out', () => {
    const memory = tier()
    for (const key of ['a', 'b', 'c']) memory.put(key, resident('', 30_000))
    memory.find('a')
    memory.put('d', resident('', 30_000))
    expect(['a', 'b', 'c', 'd'].map(key => memory.find(key) !== undefined)).toEqual([true, false, true, true])
    expect(memory.usage().bytes).toBeLessThanOrEqual(100_000)
    expect(memory.usage().bytes).toBeGreaterThanOrEqual(90_000)
  })

  test('in keys', () => {
    const memory = tier({ maxEntries: 3 })
    for (let i = 0; i < 9; i++) memory.put(`k${i}`, resident('', 1))
    expect(memory.usage().keys).toBe(3)
    expect(memory.find('k8')).toHaveLength(1)
  })

  test('what is too large for it stays out, and nothing else goes for it', () => {
    const memory = tier()
    memory.put('a', resident('', 10))
    memory.put('b', resident('', 50_001))
    expect([memory.takes(50_000), memory.takes(50_001)]).toEqual([true, false])
    expect([memory.find('a') !== undefined, memory.find('b')]).toEqual([true, undefined])
    const small = tier({ maxBytes: 5000 })
    small.put('a', resident('', 4900))
    expect(small.usage()).toEqual({ keys: 0, bytes: 0 })
  })

  test('switched off it keeps nothing', () => {
    const memory = tier({ maxBytes: 0 })
    memory.put('a', resident('', 1))
    memory.remove('a')
    memory.clear()
    expect([memory.takes(0), memory.find('a'), memory.usage()]).toEqual([
      false,
      undefined,
      { keys: 0, bytes: 0 },
    ])
  })
})

test('variants of one key: each has one place; removing the key removes all', () => {
  const memory = new MemoryTier({ maxBytes: 1e6, maxEntries: 10, maxBodyBytes: 1e5, maxPieceBytes: 0 })
  memory.put('k', resident('v1', 10))
  memory.put('k', resident('v2', 20))
  const before = memory.usage().bytes
  memory.put('k', resident('v1', 30))
  expect(memory.usage().bytes).toBe(before + 20)
  expect(memory.find('k')!.map(r => [r.stored.variant, r.body?.length])).toEqual([
    ['v2', 20],
    ['v1', 30],
  ])
  memory.put('other', resident('', 1))
  memory.remove('k')
  expect([memory.find('k'), memory.usage().keys]).toEqual([undefined, 1])
  memory.clear()
  expect(memory.usage()).toEqual({ keys: 0, bytes: 0 })
})

describe('fields of answers', () => {
  const fields = ['Age', '9', 'X-Cache', 'HIT', 'Cache-Tag', 'a', 'ETag', '"x"', 'xkey', 'b']

  test('what is ours alone stays behind; a length is added but to a 204', () => {
    expect(answers.base(200, fields, 7)).toEqual(['ETag', '"x"', 'Content-Length', '7'])
    expect(answers.base(204, fields, 0)).toEqual(['ETag', '"x"'])
    expect(answers.base(200, ['content-length', '5'], 7)).toEqual(['content-length', '5'])
    expect(new AnswerFields({ ...http, exposeTags: true }).base(204, fields, 0)).toEqual([
      'Cache-Tag',
      'a',
      'ETag',
      '"x"',
      'xkey',
      'b',
    ])
  })

  test('what streams through keeps the Age that the origin sent', () => {
    expect(answers.through(['A', '1'], ['Age', '9', 'B', '2'])).toEqual(['A', '1', 'Age', '9'])
    expect(answers.through(['A', '1', 'Age', '9'], [])).toEqual(['A', '1'])
  })

  test('the key is said only when that is asked for', () => {
    expect(answers.cacheStatus({ hit: true }, 'k')).not.toContain('key')
    const open = new AnswerFields({ ...http, exposeKey: true })
    expect(open.cacheStatus({ hit: true }, 'k')).toContain('key="k"')
    expect(open.cacheStatus({ hit: true }, '')).not.toContain('key')
    expect(answers.trace('HIT', { hit: true }, 'k')).toEqual([
      'X-Cache',
      'HIT',
      'Cache-Status',
      expect.stringMatching(/^strata; ?hit$/),
    ])
  })

  test('a 304 says nothing of content that it does not have (RFC 9110 §15.4.5)', () => {
    const whole = [
      'Content-Type',
      'a/b',
      'Content-Length',
      '3',
      'Content-Location',
      '/x',
      'Content-Security-Policy',
      'p',
      'ETag',
      '"x"',
      'Vary',
      'a',
    ]
    expect(notModifiedFields(whole)).toEqual([
      'Content-Location',
      '/x',
      'Content-Security-Policy',
      'p',
      'ETag',
      '"x"',
      'Vary',
      'a',
    ])
  })
})
