import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  evaluatePreconditions,
  ifRangeHolds,
  parseEntityTags,
  strongMatch,
  weakMatch,
  type Preconditions,
  type Validators,
} from '../../../src/http/conditional.js'
import { formatHttpDate } from '../../../src/http/http-date.js'

const NOW = Date.UTC(2026, 10, 20, 12)
const at = (seconds: number) => formatHttpDate(NOW + seconds * 1000)
const evaluate = (
  request: Omit<Preconditions, 'method'> & { method?: string },
  stored: Partial<Validators>,
  options?: Parameters<typeof evaluatePreconditions>[3],
) => evaluatePreconditions({ method: 'GET', ...request }, { responseTime: NOW, ...stored }, NOW, options)

describe('comparison (RFC 9110 §8.8.3.2)', () => {
  test.each([
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', '"1"', true, true],
    ['"1"', '"2"', false, false],
    ['abc', '"abc"', false, true],
    ['abc', 'abc', false, true],
    ['w/"a"', 'W/"a"', false, true],
    ['""', '""', true, true],
    ['"', '"', false, true],
    ['"a"b"', '"a"b"', false, true],
  ])('%s and %s: strong %p, weak %p', (a, b, strong, weak) => {
    expect(strongMatch(a, b)).toBe(strong)
    expect(weakMatch(a, b)).toBe(weak)
    expect(weakMatch(b, a)).toBe(weak)
  })
})

test.each([
  ['*', '*'],
  [' * ', '*'],
  ['"a"', ['"a"']],
  ['"a", W/"b" ,"c"', ['"a"', 'W/"b"', '"c"']],
  ['"a,b","c"', ['"a,b"', '"c"']],
  [',, "a",,', ['"a"']],
  ['abc, def', ['abc', 'def']],
  ['"open, "x"', ['"open, "x"']],
  ['"open, x', ['"open, x']],
  ['', []],
  ['*, "a"', ['*', '"a"']],
])('parseEntityTags %p', (value, expected) => {
  expect(parseEntityTags(value)).toEqual(expected)
})

test('property: well-formed lists are read back', () => {
  const tag = fc
    .tuple(fc.constantFrom('', 'W/'), fc.string({ unit: fc.constantFrom(...'ab,*/\\ é'), maxLength: 6 }))
    .map(([weak, opaque]) => `${weak}"${opaque}"`)
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 6 }), fc.constantFrom(',', ', ', ' ,, '), (tags, comma) => {
      expect(parseEntityTags(tags.join(comma))).toEqual(tags)
    }),
    { numRuns: 300 },
  )
})

describe('If-None-Match', () => {
  test.each([
    ['"abcdef"', '"abcdef"', 'not-modified'],
    ['"1234", "abcdef", "5678"', '"abcdef"', 'not-modified'],
    ['"1234", "5678", "abcdef"', '"abcdef"', 'not-modified'],
    ['W/"abcdef"', 'W/"abcdef"', 'not-modified'],
    ['"abcdef"', 'W/"abcdef"', 'not-modified'],
    ['abcdef', '"abcdef"', 'not-modified'],
    ['*', '"abcdef"', 'not-modified'],
    ['*', undefined, 'not-modified'],
    ['"abcdef"', undefined, 'proceed'],
    ['"abcdeg"', '"abcdef"', 'proceed'],
    ['', '"abcdef"', 'proceed'],
  ])('%s against %s: %s', (ifNoneMatch, etag, expected) => {
    expect(evaluate({ ifNoneMatch }, { etag })).toBe(expected)
  })

  test('has precedence over If-Modified-Since, both ways', () => {
    const stored = { etag: '"a"', lastModified: at(-5000), date: at(0) }
    expect(evaluate({ ifNoneMatch: '"a"', ifModifiedSince: at(-9000) }, stored)).toBe('not-modified')
    expect(evaluate({ ifNoneMatch: '"b"', ifModifiedSince: at(-1) }, stored)).toBe('proceed')
  })

  test('fails a method that is neither GET nor HEAD', () => {
    expect(evaluate({ method: 'POST', ifNoneMatch: '*' }, {})).toBe('failed')
    expect(evaluate({ method: 'HEAD', ifNoneMatch: '*' }, {})).toBe('not-modified')
  })
})

describe('If-Modified-Since', () => {
  const date = at(0)
  test.each([
    ['equal', at(-3000), { lastModified: at(-3000), date }, 'not-modified'],
    ['later than Last-Modified', at(-2000), { lastModified: at(-3000), date }, 'not-modified'],
    ['earlier than Last-Modified', at(-3001), { lastModified: at(-3000), date }, 'proceed'],
    ['RFC 850', 'Friday, 20-Nov-26 12:00:00 GMT', { lastModified: at(0), date }, 'not-modified'],
    ['no date', 'yesterday', { lastModified: at(-3000), date }, 'proceed'],
    ['no Last-Modified, Date equal', at(0), { date }, 'not-modified'],
    ['no Last-Modified, Date later', at(-1), { date }, 'proceed'],
    ['neither, received before', at(0), {}, 'not-modified'],
    ['neither, received after', at(-1), {}, 'proceed'],
    ['Last-Modified is no date', at(-1), { lastModified: 'x', date: at(-2) }, 'not-modified'],
    ['Date is no date', at(0), { date: 'x' }, 'not-modified'],
  ] as const)('%s', (_, ifModifiedSince, stored, expected) => {
    expect(evaluate({ ifModifiedSince }, stored)).toBe(expected)
  })

  test('is ignored for other methods', () => {
    expect(evaluate({ method: 'POST', ifModifiedSince: at(0) }, { lastModified: at(-5) })).toBe('proceed')
  })

  test('an undated response counts as unmodified only when that was asked for', () => {
    const request = { ifModifiedSince: at(-3000) }
    expect(evaluate(request, { date }, { withoutLastModified: 'date' })).toBe('proceed')
    expect(evaluate(request, { date }, { withoutLastModified: 'unmodified' })).toBe('not-modified')
    const later = { date, lastModified: at(-1) }
    expect(evaluate(request, later, { withoutLastModified: 'unmodified' })).toBe('proceed')
    expect(evaluate(request, { date, lastModified: 'x' }, { withoutLastModified: 'unmodified' })).toBe(
      'proceed',
    )
  })
})

test("If-Match and If-Unmodified-Since are the origin's: a cache does not evaluate them (RFC 9111 §4.3.2)", () => {
  const stored = { etag: '"a"', lastModified: at(-5) }
  expect(evaluate({ ifMatch: '"b"', ifUnmodifiedSince: at(-9999) }, stored)).toBe('proceed')
  expect(evaluate({}, stored)).toBe('proceed')
})

describe('ifRangeHolds', () => {
  test.each([
    [undefined, {}, true],
    ['"a"', { etag: '"a"' }, true],
    ['"a"', { etag: '"b"' }, false],
    ['"a"', { etag: 'W/"a"' }, false],
    ['W/"a"', { etag: 'W/"a"' }, false],
    ['"a"', {}, false],
    [at(-60), { lastModified: at(-60), date: at(0) }, true],
    [at(-1), { lastModified: at(-1), date: at(0) }, true],
    [at(0), { lastModified: at(0), date: at(0) }, false],
    [at(-59), { lastModified: at(-60), date: at(0) }, false],
    [at(-60), { lastModified: at(-60) }, false],
    [at(-60), { date: at(0) }, false],
    ['garbage', { lastModified: at(-60), date: at(0) }, false],
  ])('%s', (ifRange, stored, expected) => {
    expect(ifRangeHolds(ifRange, { responseTime: NOW, ...stored }, NOW)).toBe(expected)
  })
})
