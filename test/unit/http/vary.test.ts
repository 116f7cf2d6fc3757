import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  normalise,
  parseVary,
  prefers,
  selectingFields,
  selects,
  selectsByPreference,
  variantId,
  type GetField,
} from '../../../src/http/vary.js'

const from =
  (fields: Record<string, string>): GetField =>
  name =>
    fields[name] ?? null

test.each([
  [['Foo'], ['foo']],
  [['Foo, Bar,foo'], ['foo', 'bar']],
  [
    ['Foo', 'Bar'],
    ['foo', 'bar'],
  ],
  [['*'], '*'],
  [['*, *'], '*'],
  [['*', '*'], '*'],
  [[', *'], '*'],
  [['', '*'], '*'],
  [['*, Foo'], '*'],
  [['Foo, *'], '*'],
  [['', ' ,'], []],
  [[], []],
] as [string[], readonly string[] | '*'][])('parseVary %j', (lines, expected) => {
  expect(parseVary(lines.flatMap(line => ['VARY', line]))).toEqual(expected)
})

describe('normalise', () => {
  test.each([
    ['foo', '1, 2', '1,2'],
    ['foo', ' 1, 2 ', '1,2'],
    ['foo', '1 ,\t2', '1,2'],
    ['accept-language', 'en, de', 'de, en'],
    ['accept-language', 'en, de', 'eN, De'],
    ['accept-language', 'en, de', ' en ,   de'],
    ['accept-language', 'en, de', 'en,,de,'],
    ['accept-language', 'fr;q=0.5, de;q=1.0', 'de,fr ; q=0.500'],
    ['accept-language', 'de;q=0', 'DE;Q=0.0'],
    ['accept-language', '*, de', 'de, *'],
    ['accept-encoding', 'gzip, br;q=0.8', 'BR;q=0.8,GZIP'],
    ['accept-encoding', 'gzip', 'gzip, gzip'],
    ['accept-charset', 'utf-8', 'UTF-8;q=1'],
    ['accept', 'text/html, */*;q=0.1', '*/*;q=0.10,TEXT/html'],
    ['accept', 'text/html;level=1', 'text/html ; Level = 1'],
  ])('%s: %p is %p', (name, a, b) => {
    expect(normalise(name, a)).toBe(normalise(name, b))
  })

  test.each([
    ['foo', '1', '2'],
    ['foo', '1,2', '2,1'],
    ['foo', 'a', 'A'],
    ['foo', '1 2', '12'],
    ['foo', '"1, 2"', '"1,2"'],
    ['foo', '"\\", 2"', '"\\",2"'],
    ['foo', 'a\u00a0', 'a'],
    ['foo', '', null],
    ['accept-language', 'en, de', 'en, de;q=0.5'],
    ['accept-language', 'en', 'de'],
    ['accept-language', '', null],
    ['accept-encoding', 'gzip', 'gzip;q=0'],
    ['accept', 'text/html;level=1', 'text/html;level=2'],
    ['accept', 'text/html;p=A', 'text/html;p=a'],
    ['accept', 'text/html;p="a, b"', 'text/html;p="a,b"'],
    // malformed ones mean nobody knows what: they match themselves only
    ['accept-language', 'en;q=2, de', 'de, en;q=2'],
    ['accept-language', 'en;q=0.1234, de', 'de, en;q=0.1234'],
    ['accept-language', 'EN;q', 'en;q'],
    ['accept-language', 'EN;x=', 'en;x='],
    ['accept-language', 'EN;q=1;x=1', 'en;q=1;x=1'],
    ['accept-language', 'E N', 'e n'],
    ['accept-language', 'EN;@=1', 'en;@=1'],
  ])('%s: %p is not %p', (name, a, b) => {
    expect(normalise(name, a)).not.toBe(normalise(name, b))
  })

  const names = fc.constantFrom('foo', 'accept', 'accept-language', 'accept-encoding')
  const values = fc.string({ unit: fc.constantFrom(...'ab,;=q01. */"\\\t-'), maxLength: 20 })

  test('property: idempotent', () => {
    fc.assert(
      fc.property(names, values, (name, value) => {
        const once = normalise(name, value)
        expect(normalise(name, once)).toBe(once)
      }),
      { numRuns: 2000 },
    )
  })

  test('is the same for long values and after more distinct values than are remembered', () => {
    const long = Array.from({ length: 100 }, (_, i) => `l${i}`)
    expect(normalise('accept-language', long.join(', '))).toBe(
      normalise('accept-language', long.reverse().join()),
    )
    for (let i = 0; i < 2000; i++) expect(normalise('accept-language', `X, a${i}`)).toBe(`a${i},x`)
    expect(normalise('accept-language', 'X, a0')).toBe('a0,x')
  })

  test('property: order, case and spaces of weighted lists never count, weights and ranges always do', () => {
    const element = fc.record({
      range: fc.stringMatching(/^[a-z]{1,3}$/),
      q: fc.integer({ min: 0, max: 1000 }),
    })
    const list = fc.uniqueArray(element, { selector: e => e.range, minLength: 1, maxLength: 5 })
    const write = (l: { range: string; q: number }[], comma: string) =>
      l.map(({ range, q }) => `${range};q=${(q / 1000).toFixed(3)}`).join(comma)
    fc.assert(
      fc.property(list, fc.constantFrom(',', ' ,\t'), fc.nat(4), (elements, comma, at) => {
        const plain = normalise('accept-language', write(elements, ', '))
        const other = write([...elements].reverse(), comma).toUpperCase()
        expect(normalise('accept-language', other)).toBe(plain)
        const changed = elements.map((e, i) =>
          i === at % elements.length ? { ...e, q: (e.q + 1) % 1001 } : e,
        )
        expect(normalise('accept-language', write(changed, ', '))).not.toBe(plain)
      }),
      { numRuns: 300 },
    )
  })
})

describe('selects', () => {
  const stored = selectingFields(
    ['foo', 'bar', 'accept-language'],
    from({ foo: '1, 2', 'accept-language': 'en, de' }),
  )

  test('fields are stored normalised; an absent one as null', () => {
    expect(stored).toEqual([
      { name: 'foo', value: '1,2' },
      { name: 'bar', value: null },
      { name: 'accept-language', value: 'de,en' },
    ])
  })

  test.each([
    [{ foo: '1,2', 'accept-language': 'de,en' }, true],
    [{ foo: ' 1 ,2', 'accept-language': 'EN, de', other: 'x' }, true],
    [{ foo: '1', 'accept-language': 'de,en' }, false],
    [{ foo: '1,2', bar: 'x', 'accept-language': 'de,en' }, false],
    [{ foo: '1,2', bar: '', 'accept-language': 'de,en' }, false],
    [{ foo: '1,2' }, false],
    [{}, false],
  ] as [Record<string, string>, boolean][])('%j: %p', (request, expected) => {
    expect(selects(stored, from(request))).toBe(expected)
  })

  test('everything selects a response without selecting fields', () => {
    expect(selects([], from({ a: '1' }))).toBe(true)
  })

  test('property: a request selects what it brought', () => {
    const value = fc.option(fc.string({ maxLength: 12 }), { nil: undefined })
    fc.assert(
      fc.property(value, value, (a, language) => {
        const get: GetField = name => (name === 'a' ? a : language) ?? null
        expect(selects(selectingFields(['a', 'accept-language'], get), get)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

describe('prefers', () => {
  const german = ['Content-Language', 'de']
  test.each([
    ['fr;q=0.5, de;q=1.0', german, true],
    ['DE', german, true],
    ['de;q=0.6, *;q=0.5', german, true],
    ['de-AT, de;q=0.9', german, false],
    ['fr, de', german, false],
    ['*, de', german, false],
    ['de, de', german, false],
    ['de;q=0', german, false],
    ['fr', german, false],
    ['de;q=9', german, false],
    ['', german, false],
    [null, german, false],
    ['de', [], false],
    ['de', ['Content-Language', 'de, en'], false],
    ['de', ['Content-Language', ''], false],
  ])('%p of %j: %p', (value, fields, expected) => {
    expect(prefers('accept-language', fields, value)).toBe(expected)
  })

  test('counts for Accept-Language only, and never outweighs another field', () => {
    expect(prefers('accept-encoding', [...german, 'Content-Encoding', 'gzip'], 'gzip')).toBe(false)
    const stored = selectingFields(
      ['accept-language', 'foo'],
      from({ 'accept-language': 'en, de', foo: '1' }),
    )
    const asks = 'fr;q=0.5, de'
    expect(selectsByPreference(stored, german, from({ 'accept-language': asks, foo: '1' }))).toBe(true)
    expect(selectsByPreference(stored, german, from({ 'accept-language': asks, foo: '2' }))).toBe(false)
    expect(selectsByPreference(stored, [], from({ 'accept-language': asks, foo: '1' }))).toBe(false)
  })
})

describe('variantId', () => {
  test('is empty without selecting fields, else 43 base64url characters', () => {
    expect(variantId([])).toBe('')
    expect(variantId([{ name: 'a', value: '1' }])).toMatch(/^[\w-]{43}$/)
  })

  test('is stable: ids in stores must outlive a new version', () => {
    const selecting = [
      { name: 'foo', value: '1,2' },
      { name: 'bar', value: null },
    ]
    // SHA-256 of '3:foo3:1,23:bar-'
    expect(variantId(selecting)).toBe('ZeoAWErbIOkWN6aFiZT2vPGHWMZ1Mhcen9mKt_6QIIc')
  })

  test('property: differs whenever the fields differ', () => {
    const field = fc.record({
      name: fc.string({ unit: fc.constantFrom(...'a1:-'), maxLength: 4 }),
      value: fc.option(fc.string({ unit: fc.constantFrom(...'a1:-'), maxLength: 4 })),
    })
    const fields = fc.array(field, { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        expect(variantId(a) === variantId(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
      { numRuns: 1000 },
    )
  })
})
