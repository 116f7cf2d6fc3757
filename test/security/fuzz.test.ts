import { afterAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parse } from 'yaml'
import { ConfigError, loadConfig } from '../../src/config/index.js'
import { compileUrlGlob } from '../../src/engine/fence/url-glob.js'
import { pathReadings } from '../../src/engine/path-readings.js'
import { isStrataError } from '../../src/errors.js'
import { parseCacheControl } from '../../src/http/cache-control.js'
import { evaluatePreconditions } from '../../src/http/conditional.js'
import { acceptsCoding } from '../../src/http/content-coding.js'
import { endToEnd, namedByConnection } from '../../src/http/hop-by-hop.js'
import { parseHttpDate } from '../../src/http/http-date.js'
import { effectiveQuery, keyText, primaryKey } from '../../src/http/key.js'
import { seemsToForbid } from '../../src/http/misspelt.js'
import { parseNoVarySearch } from '../../src/http/no-vary-search.js'
import { isOrdinary } from '../../src/http/ordinary-fields.js'
import { parseContentRange, parseRange } from '../../src/http/range.js'
import { parseStructuredDictionary } from '../../src/http/structured-field-dictionary.js'
import { parseTags } from '../../src/http/tags.js'
import { targetedCacheControl } from '../../src/http/targeted.js'
import { normalise, parseVary } from '../../src/http/vary.js'
import { redactText, redactValue } from '../../src/server/audit/redact.js'
import { WELL_KNOWN_SETS } from '../../src/tiles/grid/matrix-set.js'
import { Template } from '../../src/tiles/layer/template.js'
import { Tally } from './rig/tally.js'

/** What reads text that clients, origins and operators write: never throws, and takes time in proportion to its length. */

const attacks = new Tally()
afterAll(() => attacks.report())

/** 200 in CI; `npm run test:fuzz` (nightly) runs 10,000. */
const RUNS = Number(process.env.STRATA_FUZZ_RUNS ?? 200)

const [path, query] = [
  '/t/{a}-{b}/{z}/{x}/{y}{scale}.png',
  '/wmts?layer={layer}&tilematrix={z}&tilerow={y}&tilecol={x}',
].map(text => new Template(text, { sets: WELL_KNOWN_SETS, zoomOffset: 0 })) as [Template, Template]
const WEIGHTED = ['accept', 'accept-encoding', 'accept-language'] as const
const readers: Record<string, (text: string) => unknown> = {
  key: text => [primaryKey([text]), keyText([text, text])],
  query: text => effectiveQuery(text, { ignores: name => name.startsWith('a'), sort: true }),
  path: pathReadings,
  'Cache-Control': text => {
    const parsed = parseCacheControl([text, text])
    return parsed.names.map(name => [
      parsed.seconds(name),
      parsed.fieldNames(name),
      seemsToForbid(name, parsed.argument(name)),
    ])
  },
  Vary: text => parseVary(['Vary', text]),
  'selecting values': text => [...WEIGHTED, 'x'].map(name => normalise(name, text)),
  'ordinary fields': text =>
    [...WEIGHTED, 'user-agent', 'sec-ch-ua', 'range', 'cache-control', 'priority'].map(name =>
      isOrdinary(name, text),
    ),
  'Accept-Encoding': text => [acceptsCoding(text, 'gzip'), acceptsCoding('gzip', text)],
  Range: text => [parseRange(text, 1000), parseContentRange(text)],
  'Structured Fields': parseStructuredDictionary,
  'targeted fields': text => targetedCacheControl(['CDN-Cache-Control', text], ['CDN-Cache-Control']),
  'No-Vary-Search': text => parseNoVarySearch(['No-Vary-Search', text]),
  tags: text =>
    parseTags(
      ['Cache-Tag', text, 'Surrogate-Key', text, 'Cache-Groups', text],
      ['cache-tag', 'surrogate-key', 'cache-groups'],
      100,
    ),
  dates: text => parseHttpDate(text, 0),
  Connection: text => [namedByConnection(text), endToEnd(['Connection', text, text, text])],
  'text for the log': text => [redactText(text), redactValue({ [text]: [text, { token: text }] })],
  'tile templates': text => [
    path.read(`/t/${text}/1/2/3.png`, undefined),
    query.read('/wmts', text),
    query.read('/wmts', `layer=${text}&z=1&y=2&x=3`),
  ],
  preconditions: text =>
    evaluatePreconditions(
      { method: 'GET', ifNoneMatch: text, ifModifiedSince: text },
      { etag: text, lastModified: text, date: text, responseTime: 0 },
      0,
      { withoutLastModified: 'date' },
    ),
}

/** Syntax of all the grammars, so that deep places are reached. */
const syntax = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...' \t,;="\\/*?-+:()[]{}!@%&#.0129aAzZ_'.split(''),
        '\r\n',
        '\0',
        '\xff',
        '💥',
        '%2f',
        '%zz',
        '..',
        '**',
        '{1..9}',
        '!(',
        'max-age=',
        'private',
        'bytes=',
        'W/"',
        'q=0.',
        'GMT',
      ),
      fc.string({ maxLength: 6, unit: 'binary' }),
    ),
    { maxLength: 60 },
  )
  .map(parts => parts.join(''))

describe('never throws', () => {
  test.each(Object.entries(readers))('%s', (name, read) => {
    fc.assert(
      fc.property(syntax, text => {
        read(text)
      }),
      { numRuns: RUNS },
    )
    attacks.record(`fuzz ${name}`, undefined)
  })

  test('patterns: only with an error that says what is wrong', () => {
    fc.assert(
      fc.property(syntax, syntax, (pattern, path) => {
        try {
          compileUrlGlob(pattern)(`http://a/${path}`)
        } catch (error) {
          expect(isStrataError(error, 'STRATA_BAD_REQUEST')).toBe(true)
        }
      }),
      { numRuns: RUNS },
    )
    attacks.record('fuzz patterns', undefined)
  })

  test('settings: only with an error that says what is wrong', () => {
    const value = fc.oneof(syntax, fc.jsonValue({ maxDepth: 2 }))
    const names = fc.constantFrom(
      'rules',
      'http',
      'limits',
      'proxy',
      'origin',
      'defaults',
      'memory',
      '__proto__',
      'constructor',
      'x',
    )
    fc.assert(
      fc.property(fc.dictionary(names, value, { maxKeys: 4 }), syntax, (options, text) => {
        for (const given of [
          options,
          { rules: [{ match: text, ttl: text }] },
          { proxy: { trustProxy: [text] } },
        ])
          try {
            loadConfig({ env: { STRATA_PORT: text, STRATA_ORIGIN: text }, options: given as never })
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError)
          }
      }),
      { numRuns: RUNS },
    )
    expect(() => parse('a: [')).toThrow()
    attacks.record('fuzz settings', undefined)
  })
})

const SIZE = 64 * 1024
const hostile: readonly string[] = [
  ...[
    ' ',
    ',',
    '"',
    '\\',
    ';',
    '=',
    'a',
    '0',
    '/',
    '%',
    '.',
    '*',
    '(',
    '[',
    '{',
    ':',
    'é',
    ' ,',
    ', ',
    '",',
    '\\"',
    'a=',
    'a;',
    ';q=0',
    '/..',
    '%2f',
    '%252f',
    '//',
    'a,',
    '=;',
    ' Mobile',
    '(KHTML',
    '"a"',
    'W/"',
    '-1,',
    '0-',
    'Mozilla/5.0 (',
    '?1;',
  ],
].map(unit => unit.repeat(SIZE / unit.length))

describe('64 KB of hostile text cost little', () => {
  test.each(Object.entries(readers))('%s', (name, read) => {
    for (const text of hostile)
      for (const input of [
        text,
        `x${text}`,
        `"${text}`,
        `bytes=${text}`,
        `private="${text}`,
        `Mozilla/5.0 (${text}`,
      ]) {
        const before = process.cpuUsage()
        read(input)
        const { user, system } = process.cpuUsage(before)
        // Backtracking would take minutes: the bound is far from both.
        const seconds = (user + system) / 1e6
        attacks.record(`${name} with ${input.slice(0, 20)}`, seconds > 2 && `${seconds} s`)
      }
    expect(attacks.succeeded).toEqual([])
  })

  test('patterns', () => {
    for (const pattern of [
      '**',
      '/**/*.png',
      '*a*a*a*a*a*a*b',
      '!(a|aa|aaa)*',
      '+(a|aa)+(a|aa)b',
      '{a,aa,aaa}{a,aa,aaa}*b',
      '**/**/**/**/b',
    ]) {
      let matches: (url: string) => boolean
      try {
        matches = compileUrlGlob(pattern)
      } catch (error) {
        // What could cost is refused.
        expect(isStrataError(error, 'STRATA_BAD_REQUEST')).toBe(true)
        continue
      }
      for (const text of ['a'.repeat(SIZE), '/a'.repeat(SIZE / 2), '/'.repeat(SIZE)]) {
        const before = process.cpuUsage()
        matches(`http://h/${text}`)
        const { user, system } = process.cpuUsage(before)
        attacks.record(`pattern ${pattern}`, (user + system) / 1e6 > 4 && `${(user + system) / 1e6} s`)
      }
    }
    expect(attacks.succeeded).toEqual([])
  })
})
