import { describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../../src/config/index.js'

/** Globs of the settings are held against what clients and origins write: only what needs no going back is taken. */
const settings: readonly [string, (glob: string) => object][] = [
  ['rules[0].match', match => ({ rules: [{ match }] })],
  ['rules[0].match[1]', glob => ({ rules: [{ match: ['/a', glob] }] })],
  ['rules[0].contentTypes[0]', glob => ({ rules: [{ match: '/a', contentTypes: [glob] }] })],
  ['defaults.query.ignore[0]', glob => ({ defaults: { query: { ignore: [glob] } } })],
  ['proxy.upgrades[0]', glob => ({ proxy: { upgrades: [glob] } })],
]

describe.each(settings)('%s', (path, options) => {
  test.each([
    ['/+(a|aa)+(a|aa)b', 'backtracking'],
    ['!(a)', 'backtracking'],
    ['{a', '"{" without "}"'],
    ['x'.repeat(257), 'longer than 256'],
  ])('%.20s is refused, with the reason', (glob, reason) => {
    const message = expect.stringContaining(reason)
    expect(() => loadConfig({ options: options(glob) })).toThrow(
      expect.objectContaining({ faults: [{ path, message }] }),
    )
  })

  test.each(['/tiles/**', '*', 'image/{png,jpeg}', '[a-z]*', '!/api/**'])('%s is taken', glob => {
    expect(() => loadConfig({ options: options(glob) })).not.toThrow()
  })
})
