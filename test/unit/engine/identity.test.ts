import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { originRequest } from '../../../src/engine/forward.js'
import { unkeyedFields } from '../../../src/engine/unkeyed-fields.js'
import { effectiveUrl, identify } from '../../../src/engine/identity.js'
import type { RuleSettings } from '../../../src/engine/settings.js'
import { clientGet, ruleWith, rulesOf } from '../../support/requests.js'

type Settings = Omit<RuleSettings, 'match'>
const identityOf = (url: string, settings: Settings = {}, headers: Record<string, string> = {}) =>
  identify(clientGet(url, headers), ruleWith(settings))
const same = (
  settings: Settings,
  a: [string, Record<string, string>?],
  b: [string, Record<string, string>?],
) => {
  const [one, two] = [identityOf(a[0], settings, a[1]), identityOf(b[0], settings, b[1])]
  expect(one.key === two.key).toBe(one.text === two.text)
  return one.key === two.key
}

describe('the key is what the origin sees (P4)', () => {
  test.each<[string, string, Settings, boolean]>([
    ['http://a/x', 'http://a/x', {}, true],
    ['http://a/x.png', 'http://a/x.webp', {}, false],
    ['http://a/x', 'http://b/x', {}, false],
    ['http://a/x', 'http://a:81/x', {}, false],
    ['http://a/x', 'http://a/X', {}, false],
    ['http://a/%61', 'http://a/a', {}, false],
    ['http://a/x?q=1&q=2', 'http://a/x?q=2&q=1', {}, false],
    ['http://a/x?q=1&q=1', 'http://a/x?q=1', {}, false],
    ['http://a/x?b=1&a=2', 'http://a/x?a=2&b=1', {}, false],
    ['http://a/x?b=1&a=2', 'http://a/x?a=2&b=1', { query: { sort: true } }, true],
    ['http://a/x?a=2&a=1', 'http://a/x?a=1&a=2', { query: { sort: true } }, false],
    ['http://a/x?utm_a=1&q=1', 'http://a/x?q=1', { query: { ignore: ['utm_*'] } }, true],
    ['http://a/x?utm_a=1', 'http://a/x', { query: { ignore: ['utm_*'] } }, true],
    ['http://a/x?other=1&q=1', 'http://a/x?q=1', { query: { allow: ['q'] } }, true],
    ['http://a/x?', 'http://a/x', {}, false],
  ])('%s, %s, %j: %s', (a, b, settings, equal) => {
    expect(same(settings, [a], [b])).toBe(equal)
  })

  test.each<[string, Settings, Record<string, string>, Record<string, string>, boolean]>([
    ['a key field', { keyHeaders: ['X-Tenant'] }, { 'x-tenant': 'a' }, { 'x-tenant': 'b' }, false],
    ['no key field', {}, { 'x-tenant': 'a' }, { 'x-tenant': 'b' }, true],
    ['absent is not empty', { keyHeaders: ['x'] }, {}, { x: '' }, false],
    [
      'values do not run into each other',
      { keyHeaders: ['x', 'y'] },
      { x: 'a', y: 'bc' },
      { x: 'ab', y: 'c' },
      false,
    ],
    ['a key cookie', { keyCookies: ['lang'] }, { cookie: 'lang=de' }, { cookie: 'lang=en' }, false],
    [
      'other cookies do not count',
      { keyCookies: ['lang'] },
      { cookie: 'lang=de; id=1' },
      { cookie: 'id=2;lang=de' },
      true,
    ],
    [
      'names of cookies are whole',
      { keyCookies: ['lang'] },
      { cookie: 'lang=de; xlang=1' },
      { cookie: 'lang=de' },
      true,
    ],
    ['stripped cookies do not count', { cookies: 'strip' }, { cookie: 'a=1' }, {}, true],
  ])('%s', (_name, settings, a, b, equal) => {
    expect(same(settings, ['http://a/', a], ['http://a/', b])).toBe(equal)
  })

  const word = fc.constantFrom('a', 'b', 'utm_x', 'lang', '%61')
  const query = fc.option(
    fc
      .array(
        fc.tuple(word, word).map(p => p.join('=')),
        { maxLength: 4 },
      )
      .map(list => list.join('&')),
    { nil: undefined },
  )
  const request = fc.record({
    path: fc.constantFrom('/', '/a', '/a.png', '/%61'),
    query,
    cookie: fc.option(
      fc
        .array(
          fc.tuple(word, word).map(p => p.join('=')),
          { maxLength: 3 },
        )
        .map(l => l.join('; ')),
      { nil: undefined },
    ),
    tenant: fc.option(word, { nil: undefined }),
  })
  const settings = fc.record<Settings>({
    query: fc.constantFrom(
      undefined,
      { sort: true },
      { ignore: ['utm_*'] },
      { allow: ['a', 'lang'], sort: true },
    ),
    keyCookies: fc.constantFrom(undefined, ['lang']),
    cookies: fc.constantFrom('strip' as const),
    keyHeaders: fc.constantFrom(['x-tenant']),
  })

  test('two requests have one key only if the origin gets the same target, cookie and key fields', () => {
    fc.assert(
      fc.property(settings, request, request, (chosen, a, b) => {
        const rule = ruleWith(chosen)
        const seen = [a, b].map(({ path, query, cookie, tenant }) => {
          const headers = {
            ...(cookie === undefined ? {} : { cookie }),
            ...(tenant === undefined ? {} : { 'x-tenant': tenant }),
          }
          const client = { ...clientGet('http://h/', headers), path, query }
          const identity = identify(client, rule)
          const mode = { kind: 'fetch', range: false } as const
          const unkeyed = unkeyedFields(client, rule, undefined)
          const { target, fields } = originRequest(client, identity, mode, rule, unkeyed)
          const lines: string[] = []
          for (let i = 0; i < fields.length; i += 2)
            lines.push(`${fields[i]!.toLowerCase()}: ${fields[i + 1]}`)
          return { key: identity.key, sent: JSON.stringify([target, lines.sort()]) }
        })
        expect(seen[0]!.key === seen[1]!.key).toBe(seen[0]!.sent === seen[1]!.sent)
      }),
      { numRuns: 300 },
    )
  })
})

describe('rules', () => {
  test('the first that matches applies, on top of the defaults', () => {
    const rules = rulesOf(
      { match: '/a/**', ttl: 1 },
      { match: ['/b/*', '/a/x'], ttl: 2, tags: ['t'], bypass: true, keyHeaders: ['X-A'] },
    )
    expect(rules.match('/a/x').policy.ttl).toBe(1)
    expect(rules.match('/b/x')).toMatchObject({
      policy: { ttl: 2 },
      bypass: true,
      keyHeaders: ['x-a'],
      coalesce: true,
    })
    expect(rules.match('/b/x/y')).toMatchObject({
      name: 'default',
      policy: { ttl: undefined },
      bypass: false,
    })
    expect(rules.match('/b/.hidden').policy.ttl).toBe(2)
    expect(rules.match('/b/x')).toBe(rules.match('/b/x'))
  })

  test('windows hold beside s-maxage only where a rule names them', () => {
    expect(ruleWith({ staleIfError: 5 }).policy.besideSharedMaxAge).toBe(true)
    expect(ruleWith({ staleWhileRevalidate: 5 }).policy.besideSharedMaxAge).toBe(true)
    expect(ruleWith({ ttl: 5 }).policy.besideSharedMaxAge).toBe(false)
  })

  test('media types, and the smaller of the size limits', () => {
    const rule = ruleWith({ contentTypes: ['image/*'], maxBodyBytes: 7 })
    expect(['image/png', 'text/html', ''].map(type => rule.acceptsContentType(type, 200))).toEqual([
      true,
      false,
      false,
    ])
    expect(rule.maxBodyBytes).toBe(7)
    expect(ruleWith({ maxBodyBytes: 1e15 }).maxBodyBytes).toBeLessThan(1e15)
    expect(ruleWith().acceptsContentType('', 200)).toBe(true)
    expect(ruleWith({ contentTypes: [] }).acceptsContentType('image/png', 200)).toBe(false)
  })

  test.each([
    ['http://h/a/x?b=1&a=2', 'http://h/a/x?a=2&b=1'],
    ['/a/x?b=1&a=2', '/a/x?a=2&b=1'],
    ['/a/x?utm=1', '/a/x'],
    ['/a/x', '/a/x'],
    ['http://h/z?b=1&a=2', 'http://h/z?b=1&a=2'],
  ])('purging by %s means %s', (url, meant) => {
    const rules = rulesOf({ match: '/a/**', query: { sort: true, ignore: ['utm'] } })
    expect(effectiveUrl(url, rules)).toBe(meant)
  })
})
