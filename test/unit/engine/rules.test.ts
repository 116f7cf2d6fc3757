import { describe, expect, test } from '@jest/globals'
import { loadConfig, toEngineSettings } from '../../../src/config/index.js'
import { Rules } from '../../../src/engine/rules.js'

const rulesFor = (rules: readonly object[]) =>
  new Rules(toEngineSettings(loadConfig({ options: { rules: rules as never } })))

/** With regular expressions that go back, each of these would take minutes. */
describe('64 KB of a path, a parameter or a media type cost a rule nothing', () => {
  const most = 65_536

  test.each(['/*-*-*-*.png', '**/*-*-*.png', '/{*-,-*}*-*-*x', '/[-a]*[-a]*[-a]*[-a]*b'])(
    'match: %s',
    match => {
      const rules = rulesFor([{ match, bypass: true }])
      expect(rules.match(`/${'-'.repeat(most)}!`).bypass).toBe(false)
      expect(rules.match(`/${'a-'.repeat(most / 2)}!`).bypass).toBe(false)
    },
  )

  test('parameters and media types', () => {
    const { query, acceptsContentType } = rulesFor([
      { match: '/**', query: { ignore: ['*a*a*a*a*b'] }, contentTypes: ['*a*a*a*a*b'] },
    ]).match('/x')
    expect(query?.ignores?.('a'.repeat(most))).toBe(false)
    expect(query?.ignores?.(`${'a'.repeat(most)}b`)).toBe(true)
    expect(acceptsContentType('a'.repeat(most), 200)).toBe(false)
  })
})

test('the first rule whose glob matches applies, any of several globs will do', () => {
  const rules = rulesFor([
    { match: ['/a/*', '/b/**'], ttl: 1 },
    { match: '/**', ttl: 2 },
  ])
  expect(['/a/x', '/b/x/y', '/a/x/y', '/'].map(path => rules.match(path).policy.ttl)).toEqual([1, 1, 2, 2])
})
