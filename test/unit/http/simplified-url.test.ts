import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseNoVarySearch, type NoVarySearch } from '../../../src/http/no-vary-search.js'
import { simplifiedUrl } from '../../../src/http/simplified-url.js'

const of = (value: string): NoVarySearch => parseNoVarySearch(['No-Vary-Search', value])!

test.each([
  ['params=("utm")', '/a?id=1&utm=2', '/a?id=1'],
  ['params=("utm")', 'http://h/a?utm=2', 'http://h/a'],
  ['params=("utm")', '/a', '/a'],
  ['params=("utm")', '/a?', '/a'],
  ['params=("utm")', '/a?&&id=1&', '/a?id=1'],
  ['params=("utm")', '/a?b=1&a=2', '/a?b=1&a=2'],
  ['params=("utm")', '/a?UTM=1', '/a?UTM=1'],
  ['params=("utm")', '/a?%75tm=1&x', '/a?x='],
  ['params=("a b")', '/a?a+b=1&a%20b=2&ab=3', '/a?ab=3'],
  ['params', '/a?x=1&y=2', '/a'],
  ['params, except=("id")', '/a?x=1&id=2&id=1', '/a?id=2&id=1'],
  ['key-order', '/a?b=1&a=2&b=0', '/a?a=2&b=1&b=0'],
  ['key-order, params=("c")', '/a?c=1&b=1&a=2', '/a?a=2&b=1'],
  ['key-order', '/a?bbox=1,2&layers=x:y&$f=@a/b?&q=a%2Cb+c', '/a?$f=@a/b?&bbox=1,2&layers=x:y&q=a,b%20c'],
  ['key-order', '/a?q=%26%3D%2523&p=100%', '/a?p=100%25&q=%26%3D%2523'],
  ['key-order', '/a?q=a=b', '/a?q=a%3Db'],
  // By UTF-16 code units: U+1F600 (d83d de00) is before U+FB00.
  ['key-order', '/a?%EF%AC%80=1&%F0%9F%98%80=2', '/a?%F0%9F%98%80=2&%EF%AC%80=1'],
  // What is not UTF-8 can't be told apart once it is decoded, and goes as it came.
  ['key-order', '/a?z=%ff&y=%FE', '/a?y=%FE&z=%ff'],
])('%s: %s is %s', (value, url, expected) => {
  expect(simplifiedUrl(url, of(value))).toBe(expected)
})

describe('stands for all URLs that are the same, and for no other', () => {
  /** The draft's own words, done with the URL Standard's parser, which is none of ours. */
  function areEquivalent(a: string, b: string, { params, except, ignoreOrder }: NoVarySearch): boolean {
    const [one, other] = [a, b].map(query => {
      const kept = [...new URLSearchParams(`?${query}`)].filter(([name]) =>
        params === true ? except.includes(name) : !params.includes(name),
      )
      // The parser of the URL Standard sorts by code units, and stably.
      const search = new URLSearchParams(kept)
      if (ignoreOrder) search.sort()
      return JSON.stringify([...search])
    })
    return one === other
  }
  const name = fc.constantFrom('a', 'b', 'ab', 'A', 'é', 'a b', '%', '')
  const spelled = (text: string) =>
    fc.tuple(fc.boolean(), fc.boolean()).map(([plus, all]) =>
      [...Buffer.from(text)]
        .map(byte => {
          const char = String.fromCharCode(byte)
          if (plus && char === ' ') return '+'
          return !all && /[a-z]/i.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`
        })
        .join(''),
    )
  const param = fc
    .tuple(name, fc.constantFrom('', '1', 'é', 'a b'), fc.boolean())
    .chain(([key, value, bare]) =>
      fc.tuple(spelled(key), spelled(value)).map(([k, v]) => (bare && value === '' ? k : `${k}=${v}`)),
    )
  const query = fc
    .array(fc.oneof({ weight: 9, arbitrary: param }, { weight: 1, arbitrary: fc.constant('') }), {
      maxLength: 4,
    })
    .map(pieces => pieces.join('&'))
  const names = fc.uniqueArray(name, { maxLength: 3 })
  const variance: fc.Arbitrary<NoVarySearch> = fc.oneof(
    fc.record({ params: names, except: fc.constant([]), ignoreOrder: fc.boolean() }),
    fc.record({ params: fc.constant(true as const), except: names, ignoreOrder: fc.boolean() }),
  )

  test('two URLs are equivalent exactly when it is one and the same for both', () => {
    let same = 0
    fc.assert(
      fc.property(query, query, variance, (a, b, spec) => {
        const equal = simplifiedUrl(`/p?${a}`, spec) === simplifiedUrl(`/p?${b}`, spec)
        expect({ a, b, equal }).toEqual({ a, b, equal: areEquivalent(a, b, spec) })
        if (equal && a !== b) same++
      }),
      { numRuns: 3000 },
    )
    expect(same).toBeGreaterThan(50)
  })

  test('it is one of them itself, and its own', () => {
    const any = fc.oneof(
      query,
      fc.string().map(text => text.replace(/[^\x21\x22\x24-\x7e]/g, '')),
    )
    fc.assert(
      fc.property(any, variance, (text, spec) => {
        const simple = simplifiedUrl(`/p?${text}`, spec)
        const again = simple.includes('?') ? simple.slice(simple.indexOf('?') + 1) : ''
        expect(simplifiedUrl(simple, spec)).toBe(simple)
        expect(areEquivalent(text, again, spec)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})
