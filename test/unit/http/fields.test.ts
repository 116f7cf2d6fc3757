import { expect, test } from '@jest/globals'
import {
  fieldLines,
  fieldValue,
  fromHeaderObject,
  hasField,
  withField,
  withoutFields,
} from '../../../src/http/fields.js'

const FIELDS = ['A', '1', 'Foo', 'x', 'a', '2', 'Odd']

test('lines and values are found in any case, in their order; a name without a value is none', () => {
  expect(fieldLines(FIELDS, 'a')).toEqual(['1', '2'])
  expect(fieldValue(FIELDS, 'a')).toBe('1, 2')
  expect(fieldValue(FIELDS, 'foo')).toBe('x')
  expect(fieldValue(FIELDS, 'odd')).toBeUndefined()
  expect([hasField(FIELDS, 'foo'), hasField(FIELDS, 'fo'), hasField(FIELDS, 'odd')]).toEqual([
    true,
    false,
    false,
  ])
})

test('withoutFields drops all lines of the named', () => {
  expect(withoutFields(FIELDS, new Set(['a']))).toEqual(['Foo', 'x'])
})

test('withField replaces at the first line and drops the others, or appends', () => {
  expect(withField(FIELDS, 'a', '9')).toEqual(['A', '9', 'Foo', 'x'])
  expect(withField(FIELDS, 'New', '9')).toEqual(['A', '1', 'Foo', 'x', 'a', '2', 'New', '9'])
})

test('fromHeaderObject flattens lists and numbers and skips what is undefined', () => {
  expect(fromHeaderObject({ a: '1', b: ['2', '3'], c: 4, d: undefined })).toEqual([
    'a',
    '1',
    'b',
    '2',
    'b',
    '3',
    'c',
    '4',
  ])
})
