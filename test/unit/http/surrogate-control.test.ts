import { expect, test } from '@jest/globals'
import { parseSurrogateControl } from '../../../src/http/surrogate-control.js'

const parse = (...lines: string[]) =>
  parseSurrogateControl(
    lines.flatMap(line => ['Surrogate-Control', line]),
    'strata',
  )

test.each([
  ['max-age=3600', 3600],
  ['MaX-aGe=3600', 3600],
  ['max-age=99999999999', 2147483648],
  ['max-age=3600;strata', 3600],
  ['max-age=60, max-age=3600;strata', 3600],
  ['max-age=3600; other ; strata', 3600],
  ['max-age=3600+600', 3600],
  ['content="ESI/1.0;a,b", max-age=5', 5],
  ['content="\\",max-age=9", max-age=5', 5],
  ['max-age=60;other, max-age=5', 5],
  ['max-age =100', undefined],
])('%s', (line, seconds) => {
  expect(parse(line)!.seconds('max-age')).toBe(seconds)
})

test('a directive for another surrogate does not concern us', () => {
  expect(parse('max-age=3600;not-for-you')).toBeUndefined()
  expect(parse('no-store;other, max-age=5')!.has('no-store')).toBe(false)
})

test('an absent or empty field says nothing', () => {
  expect(parse()).toBeUndefined()
  expect(parse(' ,', '')).toBeUndefined()
})

test('lines are read together', () => {
  expect(parse('no-store', 'max-age=5')!.names).toEqual(['no-store', 'max-age'])
})
