import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { MAX_DELTA_SECONDS, NO_CACHE_CONTROL, parseCacheControl } from '../../../src/http/cache-control.js'

const parse = (...lines: string[]) => parseCacheControl(lines)

describe('seconds', () => {
  test.each([
    ['max-age=3600', 3600],
    ['max-age=0', 0],
    ['MaX-aGe=3600', 3600],
    ['max-age=003600', 3600],
    ['max-age="3600"', 3600],
    ['max-age="36\\00"', 3600],
    ['foobar, max-age=3600', 3600],
    [',, ,max-age=3600,', 3600],
    ['\tmax-age=3600\t', 3600],
    ['max-age=2147483647', 2147483647],
    ['max-age=2147483648', MAX_DELTA_SECONDS],
    ['max-age=99999999999', MAX_DELTA_SECONDS],
    [`max-age=${'9'.repeat(400)}`, MAX_DELTA_SECONDS],
    ['extension="max-age=3600", max-age=1', 1],
    ['max-age=1, extension="max-age=3600"', 1],
    ['max-age=1800, max-age=1', 1800],
    ['max-age=1, max-age=1800', 1],
    ['max-age=1800, max-age=x', 1800],
  ])('%s', (line, seconds) => {
    const cc = parse(line)
    expect(cc.seconds('max-age')).toBe(seconds)
    expect(cc.invalid('max-age')).toBe(false)
    expect(cc.malformed).toBe(false)
  })

  test.each([
    ["max-age='3600'", false],
    ['max-age=3600.0', false],
    ['max-age=-3600', false],
    ['max-age=+1', false],
    ['max-age=a3600', false],
    ['max-age=3600a', false],
    ['max-age=""', false],
    ['max-age=x, max-age=60', false],
    ['max-age =3600', true],
    ['max-age= 3600', true],
    ['max-age=', true],
    ['max-age=36 00', true],
    ['max-age=60; private', true],
    ['max-age="60', true],
    ['max-age="60"0', true],
    ['max-age="60\\', true],
    ['max-age="', true],
  ])('invalid: %s (malformed: %p)', (line, malformed) => {
    const cc = parse(line)
    expect(cc.has('max-age')).toBe(true)
    expect(cc.seconds('max-age')).toBeUndefined()
    expect(cc.invalid('max-age')).toBe(true)
    expect(cc.malformed).toBe(malformed)
  })

  test('without a value it is neither a number nor invalid', () => {
    const cc = parse('max-stale')
    expect([cc.has('max-stale'), cc.seconds('max-stale'), cc.invalid('max-stale')]).toEqual([
      true,
      undefined,
      false,
    ])
    expect(cc.argument('max-stale')).toBeUndefined()
  })

  test('absent directives have nothing', () => {
    const cc = parse('public')
    expect([cc.has('x'), cc.seconds('x'), cc.invalid('x'), cc.argument('x'), cc.fieldNames('x')]).toEqual([
      false,
      undefined,
      false,
      undefined,
      undefined,
    ])
  })
})

describe('fieldNames', () => {
  test.each([
    ['private="a, b"', ['a', 'b']],
    ['private="Set-Cookie"', ['set-cookie']],
    ['private=Set-Cookie', ['set-cookie']],
    ['private="a,,  b ,"', ['a', 'b']],
    ['private="a", private="B, a"', ['a', 'b']],
    ['private="\\a"', ['a']],
    ['private', undefined],
    ['private=', undefined],
    ['private=""', undefined],
    ['private=" , "', undefined],
    ['private="a", private', undefined],
    ['private, private="a"', undefined],
    ['private="a", private =b', undefined],
    ['private ="a"', undefined],
    ['private="a b"', undefined],
    ['private="a', undefined],
  ])('%s', (line, names) => {
    const cc = parse(line)
    expect(cc.has('private')).toBe(true)
    expect(cc.fieldNames('private')).toEqual(names)
  })
})

describe('malformed', () => {
  test.each([
    ['no store', []],
    ['foo="bar, private', ['foo']],
    ['foo=a"b, no-store"', ['foo']],
    ['=3, private', ['private']],
    ['max-age=1;private', ['max-age']],
    ['\u00e9=1, no-store', ['no-store']],
  ])('%s', (line, names) => {
    const cc = parse(line)
    expect(cc.malformed).toBe(true)
    expect(cc.names).toEqual(names)
  })

  test('an unclosed quote does not swallow the next line', () => {
    const cc = parse('foo="bar', 'no-store')
    expect(cc.malformed).toBe(true)
    expect(cc.has('no-store')).toBe(true)
  })
})

test('names come in lower case, distinct, in their order', () => {
  expect(parse('B=1, a', 'A, b, c').names).toEqual(['b', 'a', 'c'])
})

test('arguments are unquoted, commas and escapes included', () => {
  const cc = parse('x="a, \\"b\\" \\\\ c", y=Tok, z=""')
  expect(cc.argument('x')).toBe('a, "b" \\ c')
  expect(cc.argument('y')).toBe('Tok')
  expect(cc.argument('z')).toBe('')
})

test('nothing is the shared empty value', () => {
  expect(parse()).toBe(NO_CACHE_CONTROL)
  expect(NO_CACHE_CONTROL.names).toEqual([])
  expect(NO_CACHE_CONTROL.malformed).toBe(false)
  expect(parse('').names).toEqual([])
})

const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
const text = fc.string({ unit: fc.constantFrom(...' ,;="\\aZ0-\t'), maxLength: 12 })
const quote = (s: string) => `"${s.replace(/["\\]/g, '\\$&')}"`

test('property: whatever is written as token or quoted string is read back', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ name: token, value: fc.option(text, { nil: undefined }) }), {
        selector: d => d.name,
        maxLength: 8,
      }),
      fc.constantFrom(',', ', ', ' ,\t', ',,'),
      fc.boolean(),
      (directives, comma, upper) => {
        const parts = directives.map(({ name, value }) => {
          const shown = upper ? name.toUpperCase() : name
          return value === undefined ? shown : `${shown}=${quote(value)}`
        })
        const cc = parse(parts.join(comma))
        expect(cc.malformed).toBe(false)
        expect(cc.names).toEqual(directives.map(d => d.name))
        for (const { name, value } of directives) expect(cc.argument(name)).toBe(value)
      },
    ),
    { numRuns: 300 },
  )
})

test('property: a directive between commas is seen, or the field is called malformed, whatever stands beside it', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const cc = parse(`${before},no-store,${after}`)
      expect(cc.has('no-store') || cc.malformed || before.includes('"')).toBe(true)
      const seconds = cc.seconds('max-age')
      expect(seconds === undefined || seconds >= 0).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('property: lines are read as one after the other', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(token, fc.nat()), { maxLength: 6 }), pairs => {
      const elements = pairs.map(([name, n]) => `${name}=${n}`)
      const [split, joined] = [parseCacheControl(elements), parse(elements.join(', '))]
      expect(split.names).toEqual(joined.names)
      for (const name of joined.names) expect(split.seconds(name)).toBe(joined.seconds(name))
    }),
  )
})

test.each([',', '"', '\\', '="', 'a="\\"', ' ', 'a=1,', 'private="a,', '\t='])(
  '64 KB of %p are read to the end',
  piece => {
    const line = piece.repeat(Math.ceil(65_536 / piece.length))
    const cc = parse(line, 'no-store')
    expect(cc.has('no-store')).toBe(true)
  },
)
