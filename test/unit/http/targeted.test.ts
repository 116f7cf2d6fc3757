import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseStructuredDictionary } from '../../../src/http/structured-field-dictionary.js'
import { targetedCacheControl } from '../../../src/http/targeted.js'

const NAMES = ['Strata-Cache-Control', 'CDN-Cache-Control']
const cdn = (...lines: string[]) =>
  targetedCacheControl(
    lines.flatMap(line => ['CDN-Cache-Control', line]),
    NAMES,
  )?.directives

describe('choice of the field (RFC 9213 §2.2)', () => {
  const both = (strata: string, other: string) =>
    targetedCacheControl(['cdn-cache-control', other, 'STRATA-cache-control', strata], NAMES)?.name

  test.each([
    ['max-age=1', 'max-age=2', 'Strata-Cache-Control'],
    ['none', 'max-age=2', 'Strata-Cache-Control'],
    ['', 'max-age=2', 'CDN-Cache-Control'],
    ['max-age=1,', 'max-age=2', 'CDN-Cache-Control'],
    ['max-age="1"', 'max-age=2', 'CDN-Cache-Control'],
    ['', '&&&', undefined],
  ])('%p and %p: %s', (strata, other, expected) => {
    expect(both(strata, other)).toBe(expected)
  })

  test('no field of the list: none', () => {
    expect(
      targetedCacheControl(['Cache-Control', 'max-age=1', 'Other-Cache-Control', 'no-store'], NAMES),
    ).toBeUndefined()
    expect(targetedCacheControl(['CDN-Cache-Control', 'max-age=1'], [])).toBeUndefined()
  })

  test('lines are one dictionary, the last of a key counts (RFC 8941 §4.2.2)', () => {
    expect(cdn('max-age=1, private', 'max-age=2')!.seconds('max-age')).toBe(2)
    expect(cdn('max-age=1.5', 'max-age=2')!.seconds('max-age')).toBe(2)
    expect(cdn('max-age=1', 'max-age=2.0')).toBeUndefined()
  })
})

test.each([
  ['max-age=3600', 3600],
  ['max-age=0', 0],
  ['max-age=2147483648', 2147483648],
  ['max-age=99999999999', 2147483648],
  ['foobar, max-age=3600', 3600],
  ['ext="a, max-age=1.5", max-age=3600', 3600],
  ['a=1.5, b="x\\"=1.5", max-age=3600;x=1.0', 3600],
  ['max-age=3600;q=1', 3600],
  ['x=(1 2.5 "a";b);c, max-age=3600, y=:AQ==:, z=tok', 3600],
])('%s', (line, seconds) => {
  const directives = cdn(line)!
  expect(directives.seconds('max-age')).toBe(seconds)
  expect(directives.malformed).toBe(false)
})

test.each([
  'MaX-aGe=3600',
  'max-age =100',
  'max-age= 100',
  'max-age=10000, &&&&&',
  'max-age="10000"',
  'max-age=tok',
  'max-age=1.0',
  'max-age=1.5',
  'max-age=(1)',
  'max-age=:AQ==:',
  'max-age=@1659578233',
  'ext=@1659578233',
  'ext=%"a"',
  'ext=(@1)',
  'ext=(%"a")',
  'ext=%"a,=1.0"',
  'ext=%"\\", b="x,=1.0"',
  'max-age',
  'max-age=?0',
  's-maxage="1", max-age=10',
  'stale-while-revalidate="1", max-age=10',
  'public="x", max-age=5',
  'must-revalidate=1, max-age=5',
  'max-age=1000000000000000',
  'max-age=10,',
  ',max-age=10',
  'x="é", max-age=1',
  '"max-age=1',
  '',
  '   ',
])('the field is ignored: %p', line => {
  expect(cdn(line)).toBeUndefined()
})

test('a negative Integer is kept as invalid: the response is stale, not uncontrolled', () => {
  const directives = cdn('max-age=-5')!
  expect([directives.has('max-age'), directives.seconds('max-age'), directives.invalid('max-age')]).toEqual([
    true,
    undefined,
    true,
  ])
})

test.each([
  ['no-store', true],
  ['no-store=?1', true],
  ['no-store=1', true],
  ['no-store="x"', true],
  ['no-store=(a)', true],
  ['no-store=?0', false],
])('%s restricts: %p', (line, expected) => {
  expect(cdn(line)!.has('no-store')).toBe(expected)
})

test.each([
  ['private', undefined],
  ['private="a, B"', ['a', 'b']],
  ['no-cache="set-cookie", private=tok', undefined],
  ['private=(a b)', undefined],
  ['private=1', undefined],
])('%s names fields: %j', (line, expected) => {
  const directives = cdn(line)!
  expect(directives.has('private')).toBe(true)
  expect(directives.fieldNames('private')).toEqual(expected)
})

test('extensions keep their argument', () => {
  const directives = cdn('a=1, b=1.5, c="s", d=tok, e, f=(1), g=:AQ==:')!
  expect('abcdefg'.split('').map(name => directives.argument(name))).toEqual([
    '1',
    '1.5',
    's',
    'tok',
    undefined,
    undefined,
    undefined,
  ])
  expect(directives.names).toEqual('abcdefg'.split(''))
})

describe('parseStructuredDictionary (RFC 8941)', () => {
  test.each([
    ['a=1', { type: 'integer', value: 1 }],
    ['a=-1', { type: 'integer', value: -1 }],
    ['a=1.0', { type: 'decimal', value: 1 }],
    ['a=-1.0;p="=1"', { type: 'decimal', value: -1 }],
    ['a="x=1.0"', { type: 'string', value: 'x=1.0' }],
    ['b=2.0 ,\ta=1', { type: 'integer', value: 1 }],
    ['b=2.0,\ta=1.0', { type: 'decimal', value: 1 }],
    ['a=1.0, a=1', { type: 'integer', value: 1 }],
    ['a=1.0, a', { type: 'boolean', value: true }],
    ['a', { type: 'boolean', value: true }],
    ['a=?0', { type: 'boolean', value: false }],
    ['a=to/k:en', { type: 'token', value: 'to/k:en' }],
    ['a="q\\"\\\\"', { type: 'string', value: 'q"\\' }],
    ['a=()', { type: 'list', items: [] }],
    [
      'a=("x" y 1)',
      {
        type: 'list',
        items: [
          { type: 'string', value: 'x' },
          { type: 'token', value: 'y' },
          { type: 'integer', value: 1 },
        ],
      },
    ],
    ['a=::', { type: 'bytes' }],
    ['*=1, a=1', { type: 'integer', value: 1 }],
  ])('%s', (text, expected) => {
    expect(parseStructuredDictionary(text)?.get('a')).toEqual(expected)
  })

  test('property: any text gives a dictionary or undefined', () => {
    const text = fc.string({ unit: fc.constantFrom(...'a1.-,;=?()":\\ \t@%*&é'), maxLength: 24 })
    fc.assert(
      fc.property(text, value => {
        const members = parseStructuredDictionary(value)
        for (const key of members?.keys() ?? []) expect(key).toMatch(/^[a-z*][a-z0-9_\-.*]*$/)
      }),
      { numRuns: 2000 },
    )
  })

  test('property: integers and decimals are told apart wherever they stand', () => {
    const key = fc.stringMatching(/^[a-z][a-z0-9_.*-]{0,3}$/)
    const member = fc.oneof(
      fc.integer().map(n => ({ text: `=${n}`, type: 'integer' })),
      fc.integer({ min: -999, max: 999 }).map(n => ({ text: `=${n}.0`, type: 'decimal' })),
      fc.constantFrom('="a,b=1.0"', '="\\",b=1.0"').map(text => ({ text, type: 'string' })),
      fc.constant({ text: '', type: 'boolean' }),
    )
    const entries = fc.uniqueArray(fc.tuple(key, member, fc.constantFrom('', ';x', ';x=1.0')), {
      selector: ([k]) => k,
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(entries, fc.constantFrom(',', ', ', ' \t,\t'), (list, comma) => {
        const members = parseStructuredDictionary(list.map(([k, m, p]) => `${k}${m.text}${p}`).join(comma))!
        expect([...members].map(([k, m]) => [k, m.type])).toEqual(list.map(([k, m]) => [k, m.type]))
      }),
      { numRuns: 500 },
    )
  })

  test.each([',', 'a="', '(', 'a=1,', 'a="\\"', 'a=%"\\",'])('64 KB of %p come to an end', piece => {
    const text = piece.repeat(Math.ceil(65_536 / piece.length))
    expect(parseStructuredDictionary(text)).toBeUndefined()
  })
})
