import { expect, test } from '@jest/globals'
import { parseAge } from '../../../src/http/age.js'

test.each([
  [['0'], 0],
  [['7200'], 7200],
  [[' 7200 '], 7200],
  [['0060'], 60],
  [['2147483647'], 2147483647],
  [['2147483648'], 2147483648],
  [['2147483649'], 2147483648],
  [['9'.repeat(400)], 2147483648],
  [['7200,0'], 7200],
  [['0, 7200'], 0],
  [['0, 0'], 0],
  [[', 5'], 5],
  [['7200', '0'], 7200],
  [['0', '7200'], 0],
  [['', '7'], 7],
  [['3600, abc'], 3600],
  [['abc'], undefined],
  [['abc, 5'], undefined],
  [['-7200'], undefined],
  [['+5'], undefined],
  [['7200.0'], undefined],
  [['7200;foo=bar'], undefined],
  [['7200;foo=111'], undefined],
  [['"5"'], undefined],
  [[''], undefined],
  [[], undefined],
] as [string[], number | undefined][])('Age %j', (lines, expected) => {
  expect(parseAge(['Date', '1', ...lines.flatMap(line => ['aGe', line])])).toBe(expected)
})
