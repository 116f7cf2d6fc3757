import { describe, expect, test } from '@jest/globals'
import { httpDate, proxiedOrigin } from './proxied-origin.js'

/** RFC 9213. Times that pass are told by Age, so that no test waits. */
const strata = proxiedOrigin()

type Fields = [string, string][]

/** Asks twice for a response with these fields; whether the second answer was the first one's, stored. */
async function isReused(fields: Fields): Promise<boolean> {
  const target = strata.target()
  strata.origin.script(target, { fields, body: 'first' }, { fields, body: 'second' })
  expect((await strata.get(target)).body.toString()).toBe('first')
  const { body, status } = await strata.get(target)
  expect(status).toBe(200)
  expect(strata.times(target)).toBe(body.toString() === 'first' ? 1 : 2)
  return body.toString() === 'first'
}

const cdn = (value: string): [string, string] => ['CDN-Cache-Control', value]
const cc = (value: string): [string, string] => ['Cache-Control', value]

describe('precedence over Cache-Control and Expires (§2.2)', () => {
  test.each<[string, Fields, boolean]>([
    ['alone', [cdn('max-age=60')], true],
    ['longer than Cache-Control', [cdn('max-age=60'), cc('max-age=10'), ['Age', '30']], true],
    ['shorter than Cache-Control', [cdn('max-age=10'), cc('max-age=60'), ['Age', '30']], false],
    ['shorter than s-maxage', [cdn('max-age=10'), cc('s-maxage=60'), ['Age', '30']], false],
    ['max-age=0 beside max-age=60', [cdn('max-age=0'), cc('max-age=60')], false],
    [
      'longer than a past Expires',
      [cdn('max-age=60'), ['Date', httpDate()], ['Expires', httpDate(-60)]],
      true,
    ],
    ['beside an invalid Expires', [cdn('max-age=60'), ['Expires', '0']], true],
    [
      'max-age=0 beside a future Expires',
      [cdn('max-age=0'), ['Date', httpDate()], ['Expires', httpDate(60)]],
      false,
    ],
    ['fresh beside Cache-Control: no-store', [cdn('max-age=60'), cc('no-store')], true],
    ['fresh beside Cache-Control: private', [cdn('max-age=60'), cc('private')], true],
    ['fresh beside Cache-Control: no-cache', [cdn('max-age=60'), cc('no-cache')], true],
    ['fresh, Pragma: no-cache in the response', [cdn('max-age=60'), ['Pragma', 'no-cache']], true],
    ['no-store beside fresh Cache-Control', [cdn('no-store'), cc('max-age=60')], false],
    ['private beside fresh Cache-Control', [cdn('private'), cc('max-age=60')], false],
    ['no-cache beside fresh Cache-Control', [cdn('no-cache'), cc('max-age=60')], false],
    ['no-store beside its own max-age', [cdn('max-age=60, no-store')], false],
    ['an Age beyond its max-age', [cdn('max-age=60'), ['Age', '61']], false],
    ['an Age within its max-age', [cdn('max-age=60'), ['Age', '30']], true],
  ])('%s', async (_name, fields, reused) => {
    expect(await isReused(fields)).toBe(reused)
  })
})

describe('values', () => {
  test.each<[string, Fields, boolean]>([
    ['2^31', [cdn('max-age=2147483648')], true],
    ['the largest Integer', [cdn('max-age=999999999999999')], true],
    [
      'an Age of 2^31 is not less than a max-age of 2^31',
      [cdn('max-age=2147483648'), ['Age', '2147483648']],
      false,
    ],
    ['unknown directives are ignored', [cdn('foo, bar="baz", qux=(1 2);a=b, max-age=60')], true],
    ['unknown parameters are ignored', [cdn('max-age=60;foo=bar')], true],
    ['the last of two counts (RFC 9651 §4.2.2)', [cdn('max-age=60, max-age=0')], false],
    ['two lines are one Dictionary', [cdn('foo'), cdn('max-age=60')], true],
  ])('%s', async (_name, fields, reused) => {
    expect(await isReused(fields)).toBe(reused)
  })
})

describe('what is no Structured Field is ignored, and Cache-Control rules again (§2.2)', () => {
  const broken = [
    'max-age=60, &&&&',
    'max-age="60"',
    'max-age=60.0',
    'max-age=1234567890123456',
    'max-age =60',
    'max-age= 60',
    'max-age',
    'max-age=60,',
    'MaX-aGe=60, =',
    '',
  ]
  test.each(broken)('%j beside no-store', async value => {
    expect(await isReused([cdn(value), cc('no-store')])).toBe(false)
  })
  test.each(broken)('%j beside max-age=60', async value => {
    expect(await isReused([cdn(value), cc('max-age=60')])).toBe(true)
  })
  test('keys are lower case: MaX-aGe is no key, so Cache-Control rules', async () => {
    expect(await isReused([cdn('MaX-aGe=60'), cc('no-store')])).toBe(false)
    expect(await isReused([cdn('MaX-aGe=0'), cc('max-age=60')])).toBe(true)
  })
})

describe('the list of targeted fields', () => {
  const own = (value: string): [string, string] => ['Strata-Cache-Control', value]

  test('Strata-Cache-Control comes before CDN-Cache-Control, in both directions', async () => {
    expect(await isReused([own('max-age=60'), cdn('no-store'), cc('no-store')])).toBe(true)
    expect(await isReused([own('no-store'), cdn('max-age=60'), cc('max-age=60')])).toBe(false)
  })

  test('an invalid one gives way to the next', async () => {
    expect(await isReused([own('max-age="60"'), cdn('max-age=60'), cc('no-store')])).toBe(true)
  })

  test('Surrogate-Control counts only when asked for', async () => {
    expect(await isReused([['Surrogate-Control', 'max-age=60'], cc('no-store')])).toBe(false)
    expect(await isReused([['Surrogate-Control', 'no-store'], cc('max-age=60')])).toBe(true)
  })
})

test('CDN-Cache-Control and Cache-Control reach the client as they came, from origin and cache', async () => {
  const target = strata.target()
  strata.origin.script(target, { fields: [cc('max-age=1'), cdn('max-age=60')] })
  for (const _ of [1, 2]) {
    const answer = await strata.get(target)
    expect(answer.values('CDN-Cache-Control')).toEqual(['max-age=60'])
    expect(answer.values('Cache-Control')).toEqual(['max-age=1'])
  }
  expect(strata.times(target)).toBe(1)
})
