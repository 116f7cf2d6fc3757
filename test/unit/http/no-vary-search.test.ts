import { expect, test } from '@jest/globals'
import { parseNoVarySearch } from '../../../src/http/no-vary-search.js'

const parse = (value: string) => parseNoVarySearch(['No-Vary-Search', value])

test.each([
  ['params', { params: true, except: [], ignoreOrder: false }],
  ['params=?1', { params: true, except: [], ignoreOrder: false }],
  ['params=("a")', { params: ['a'], except: [], ignoreOrder: false }],
  [
    'params=("utm_source" "utm_medium")',
    { params: ['utm_source', 'utm_medium'], except: [], ignoreOrder: false },
  ],
  ['params, except=("x")', { params: true, except: ['x'], ignoreOrder: false }],
  ['params, except=()', { params: true, except: [], ignoreOrder: false }],
  ['key-order', { params: [], except: [], ignoreOrder: true }],
  ['key-order, params=?0', { params: [], except: [], ignoreOrder: true }],
  ['params, key-order, except=("x")', { params: true, except: ['x'], ignoreOrder: true }],
  ['params=("a"), unknown=(1)', { params: ['a'], except: [], ignoreOrder: false }],
  ['params=("%C3%A9+%E6%B0%97")', { params: ['é 気'], except: [], ignoreOrder: false }],
  ['params=("%zz%4" "%ff")', { params: ['%zz%4', '\ufffd'], except: [], ignoreOrder: false }],
])('%s', (value, expected) => {
  expect(parse(value)).toEqual(expected)
})

test.each([
  'unknown-key',
  'key-order="not a boolean"',
  'key-order=?0',
  'params="not a boolean or inner list"',
  'params=(not-a-string)',
  'params=()',
  'params=?0',
  'params=("a"), except=("x")',
  'params=(), except=()',
  'params=?0, except=("x")',
  'params, except=(not-a-string)',
  'params, except="not an inner list"',
  'params, except=?1',
  'except=("x")',
  'except=()',
  'params=("a"',
  '',
])('the whole query matters: %p', value => {
  expect(parse(value)).toBeUndefined()
})

test('as many names as are read, and no more; as long as is read, and no longer', () => {
  const names = (count: number) => `params=(${Array.from({ length: count }, (_, i) => `"p${i}"`).join(' ')})`
  expect(parse(names(64))?.params).toHaveLength(64)
  expect(parse(names(65))).toBeUndefined()
  expect(parse(`params, except=(${'"a" '.repeat(65)})`)).toBeUndefined()
  const long = (length: number) => `params=("${'a'.repeat(length - 11)}")`
  expect(parse(long(2048))).toBeDefined()
  expect(parse(long(2049))).toBeUndefined()
})

test('without the field the whole query matters', () => {
  expect(parseNoVarySearch(['Vary', 'a'])).toBeUndefined()
})
