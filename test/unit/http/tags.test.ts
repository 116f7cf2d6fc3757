import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { CACHE_GROUP_INVALIDATION, parseGroups } from '../../../src/http/cache-groups.js'
import { parseTags, readTags } from '../../../src/http/tags.js'

const NAMES = ['Cache-Tag', 'Surrogate-Key', 'xkey', 'Cache-Groups']

describe('parseGroups (RFC 9875)', () => {
  test.each([
    [['"scripts"'], ['scripts']],
    [['"ExampleJS";revalidate, "scripts"'], ['ExampleJS', 'scripts']],
    [
      ['"a"', '"b", "a"'],
      ['a', 'b'],
    ],
    [['"a, b"'], ['a, b']],
    [['"A", "a"'], ['A', 'a']],
    [['"a", tok'], []],
    [['"a", ("b")'], []],
    [['"a", 1'], []],
    [['"a",'], []],
    [['"a'], []],
    [[''], []],
    [[], []],
  ] as [string[], string[]][])('%j', (lines, expected) => {
    const fields = lines.flatMap(line => ['Cache-Group-Invalidation', line])
    expect(parseGroups(fields, CACHE_GROUP_INVALIDATION)).toEqual(expected)
    expect(parseGroups(fields, 'CACHE-Group-Invalidation')).toEqual(expected)
    expect(parseGroups(fields, 'cache-groups')).toEqual([])
  })

  test('property: any text gives strings', () => {
    const text = fc.string({ unit: fc.constantFrom(...'a1,;="\\ ()'), maxLength: 16 })
    fc.assert(
      fc.property(text, value => {
        const groups = parseGroups(['Cache-Groups', value], 'cache-groups')
        expect(new Set(groups).size).toBe(groups.length)
      }),
      { numRuns: 500 },
    )
  })
})

describe('tags', () => {
  test.each([
    [
      ['Cache-Tag', 'a, b ,c d,,'],
      ['a', 'b', 'c d'],
    ],
    [
      ['cache-tag', 'a', 'CACHE-TAG', 'B'],
      ['a', 'B'],
    ],
    [
      ['Surrogate-Key', 'a  b\tc '],
      ['a', 'b', 'c'],
    ],
    [
      ['xkey', 'a,b c', 'xkey', 'd'],
      ['a,b', 'c', 'd'],
    ],
    [
      ['Cache-Groups', '"x y", "z"'],
      ['x y', 'z'],
    ],
    [
      ['xkey', 'k', 'Cache-Tag', 't', 'Cache-Groups', '"t"'],
      ['t', 'k'],
    ],
    [['X-Tags', 'a'], []],
    [[], []],
  ])('%j', (fields, expected) => {
    expect(readTags(fields, NAMES, 10)).toEqual({ tags: expected, complete: true })
    expect(parseTags(fields, NAMES, 10)).toEqual(expected)
  })

  test('a field that the operator names and nobody knows is separated by commas', () => {
    expect(parseTags(['X-Tags', 'a, b'], ['x-tags'], 10)).toEqual(['a', 'b'])
  })

  test('says when the limit leaves tags out; duplicates do not count', () => {
    expect(readTags(['Cache-Tag', 'a,b,a,b'], NAMES, 2)).toEqual({ tags: ['a', 'b'], complete: true })
    expect(readTags(['Cache-Tag', 'a,b,c'], NAMES, 2)).toEqual({ tags: ['a', 'b'], complete: false })
    expect(readTags(['Cache-Tag', 'a'], NAMES, 0)).toEqual({ tags: [], complete: false })
  })
})
