import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { effectiveQuery, keyText, primaryKey } from '../../../src/http/key.js'

const part = fc.oneof(fc.string(), fc.constantFrom('', '1:', ':', '0:', '2:ab', 'a'))
const parts = fc.array(part, { maxLength: 5 })

describe('keys (P4)', () => {
  test('no two lists of parts give one text or one key', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const same = a.length === b.length && a.every((text, i) => text === b[i])
        expect(keyText(a) === keyText(b)).toBe(same)
        expect(primaryKey(a) === primaryKey(b)).toBe(same)
      }),
      { numRuns: 1000 },
    )
  })

  test('the parts can be read back from the text', () => {
    fc.assert(
      fc.property(parts, list => {
        const found: string[] = []
        let text = keyText(list)
        while (text !== '') {
          const colon = text.indexOf(':')
          const length = Number(text.slice(0, colon))
          found.push(text.slice(colon + 1, colon + 1 + length))
          text = text.slice(colon + 1 + length)
        }
        expect(found).toEqual(list)
      }),
      { numRuns: 500 },
    )
  })

  test('a key is SHA-256, base64url, and stays what it is from version to version', () => {
    expect(primaryKey(['http://a/'])).toBe('yLEYyeoNQi0BwOR-iEq86eUuUBKe_So6ypPFraawUX0')
    expect(keyText(['ab', '', 'c'])).toBe('2:ab0:1:c')
  })
})

describe('what the query is to the origin and to the key', () => {
  test.each<[string, Parameters<typeof effectiveQuery>[1], string]>([
    ['a=1&b=2', {}, 'a=1&b=2'],
    ['', {}, ''],
    ['a=1&a=2&a=1', {}, 'a=1&a=2&a=1'],
    ['%61=1&a=%20+', {}, '%61=1&a=%20+'],
    ['b=2&a=1', { sort: true }, 'a=1&b=2'],
    ['b=2&a=1', { sort: false }, 'b=2&a=1'],
    ['b&a=2&a=1&b=0', { sort: true }, 'a=2&a=1&b&b=0'],
    ['b=1&B=2&a', { sort: true }, 'B=2&a&b=1'],
    ['a=1&utm_source=x&b=2', { ignores: name => name.startsWith('utm_') }, 'a=1&b=2'],
    ['utm_source', { ignores: name => name.startsWith('utm_') }, ''],
    ['a=utm_x=1', { ignores: name => name.startsWith('utm_') }, 'a=utm_x=1'],
    ['%75tm_x=1', { ignores: name => name.startsWith('utm_') }, '%75tm_x=1'],
    ['a=1&b=2&c=3', { allows: name => name !== 'b' }, 'a=1&c=3'],
    ['a=1&b=2&c=3', { allows: name => name !== 'b', ignores: name => name === 'a' }, 'c=3'],
    ['c=1&a=2&b=3', { allows: name => name !== 'b', sort: true }, 'a=2&c=1'],
    ['a==b&=x&', {}, 'a==b&=x&'],
    ['=x&a', { ignores: name => name === '' }, 'a'],
  ])('%j with %o: %j', (query, rule, expected) => {
    expect(effectiveQuery(query, rule)).toBe(expected)
  })

  const query = fc
    .array(
      fc.tuple(fc.constantFrom('a', 'b', 'B', 'aa', '', '%61'), fc.constantFrom('', '=', '=1', '=2', '==')),
      {
        maxLength: 8,
      },
    )
    .map(list => list.map(([name, value]) => name + value).join('&'))
  const ofName = (text: string, name: string) => text.split('&').filter(p => p.split('=')[0] === name)

  test('without a rule it is itself, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string(), text => expect(effectiveQuery(text, {})).toBe(text)),
      { numRuns: 300 },
    )
  })

  test('sorting keeps every parameter, those of one name in their order, and is idempotent', () => {
    fc.assert(
      fc.property(query, text => {
        const sorted = effectiveQuery(text, { sort: true })
        expect(effectiveQuery(sorted, { sort: true })).toBe(sorted)
        expect(sorted.split('&').sort()).toEqual(text.split('&').sort())
        for (const name of ['a', 'b', 'B', 'aa', '', '%61'])
          expect(ofName(sorted, name)).toEqual(ofName(text, name))
        const names = sorted.split('&').map(p => p.split('=')[0]!)
        expect(names).toEqual([...names].sort())
      }),
      { numRuns: 500 },
    )
  })

  test('dropping keeps the others with their order and repeats', () => {
    fc.assert(
      fc.property(query, text => {
        const kept = text.split('&').filter(p => p.split('=')[0] !== 'a')
        expect(effectiveQuery(text, { ignores: name => name === 'a' })).toBe(kept.join('&'))
        expect(effectiveQuery(text, { allows: name => name !== 'a' })).toBe(kept.join('&'))
      }),
      { numRuns: 300 },
    )
  })
})
