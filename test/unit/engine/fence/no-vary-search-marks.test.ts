import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Glob } from '../../../../src/engine/glob/glob.js'
import { holdMark, MarkIndex, type HeldMark } from '../../../../src/engine/fence/mark-index.js'
import { encodeMark } from '../../../../src/engine/fence/mark-codec.js'
import { concerns, mightConcern, newMark, type Criteria } from '../../../../src/engine/fence/mark.js'
import { compileUrlGlob } from '../../../../src/engine/fence/url-glob.js'
import { answersFor } from '../../../../src/engine/search-variance.js'
import { sampleEntry, sampleKey } from '../../../support/entries.js'

const entryOf = (url: string, variance?: string) =>
  sampleEntry({ url, fields: variance === undefined ? [] : ['No-Vary-Search', variance], tags: ['t'] })
const markOf = (criteria: Criteria) => newMark(criteria, { at: 0 })

describe('a mark is about what answers for its URLs', () => {
  const entry = entryOf('http://h/a/b?id=1', 'params=("utm")')
  test.each<[Criteria, boolean]>([
    [{ url: 'http://h/a/b?id=1' }, true],
    [{ url: 'http://h/a/b?utm=1&id=1' }, true],
    [{ url: '/a/b?utm=1&id=1' }, true],
    [{ url: 'http://h/a/b?id=2&utm=1' }, false],
    [{ url: 'http://other/a/b?utm=1&id=1' }, false],
    [{ url: '/a/b' }, false],
    [{ prefix: '/a' }, true],
    [{ prefix: '/a/b?' }, true],
    [{ prefix: '/a/b?utm' }, true],
    [{ prefix: 'http://h/a/b?utm' }, true],
    [{ prefix: '/a/bc' }, false],
    [{ prefix: '/a/c?utm' }, false],
    [{ pattern: '/a/*' }, true],
    [{ pattern: '/a/b\\?*utm=*' }, true],
    [{ pattern: '**utm**' }, true],
    [{ pattern: 'http://h/a/b\\?utm=[1-3]' }, true],
    [{ pattern: '/a/c\\?*utm=*' }, false],
    [{ pattern: '/a/b/**/c' }, false],
    [{ pattern: '!/a/**' }, false],
    [{ pattern: '!/b/**' }, true],
    [{ pattern: '!/a/b\\?*utm=*' }, true],
    [{ url: '/a/b?utm=1&id=1', tag: 't' }, true],
    [{ url: '/a/b?utm=1&id=1', tag: 'other' }, false],
  ])('%j: %p', (criteria, expected) => {
    expect(concerns(markOf(criteria), entry)).toBe(expected)
  })

  test('without the field, about its own URL alone', () => {
    const plain = entryOf('http://h/a?id=1')
    expect(concerns(markOf({ url: '/a?id=1&utm=2' }), plain)).toBe(false)
    expect(concerns(markOf({ prefix: '/a?utm' }), plain)).toBe(false)
    expect(concerns(markOf({ pattern: '/a\\?utm*' }), plain)).toBe(false)
  })
})

describe('a mark might be about a response that is still to come', () => {
  const request = { key: sampleKey('one'), url: 'http://h/a?id=1' }
  test.each<[Criteria, boolean, boolean]>([
    [{ url: '/a?id=1' }, true, true],
    [{ url: '/a?id=2' }, false, true],
    [{ url: '/b?id=1' }, false, false],
    [{ key: sampleKey('one') }, true, true],
    [{ key: sampleKey('two') }, false, true],
    [{ prefix: '/a?x' }, false, true],
    [{ pattern: '/a\\?x*' }, false, true],
    [{ host: 'other' }, false, false],
    [{ tag: 'any' }, true, true],
  ])('%j: %p; when it may answer for any query: %p', (criteria, own, any) => {
    const mark = markOf(criteria)
    expect(mightConcern(mark, { ...request, anyQuery: false })).toBe(own)
    expect(mightConcern(mark, { ...request, anyQuery: true })).toBe(any)
  })
})

const query = fc
  .shuffledSubarray(['a=1', 'a=2', 'b=1', 'c', 'a=%31'])
  .map(params => (params.length === 0 ? '' : `?${params.join('&')}`))
const url = fc.tuple(fc.constantFrom('/p', '/q'), query).map(parts => parts.join(''))
const variance = fc.constantFrom(
  undefined,
  'params',
  'params=("a")',
  'params=("b" "c")',
  'params, except=("a")',
  'key-order',
  'key-order, params=("c")',
  'params=("b")',
  'params=("c")',
  'params=("a" "b")',
  'params=("a" "c")',
  'params, except=("b")',
  'params, except=("b" "c")',
)

test('the index of many marks says what each of them says, for more kinds of entries than it has views', () => {
  const given = fc.array(fc.tuple(url, fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(
      given,
      fc.array(fc.tuple(url, variance), { minLength: 1, maxLength: 14 }),
      (urls, entries) => {
        const marks = urls.map(([path, absolute, soft]) =>
          newMark({ url: absolute ? `http://h${path}` : path }, { soft, at: 0 }),
        )
        const index = new MarkIndex()
        // Some are known when the entries are looked at first, the others come later.
        const held = marks.map((mark, i) => holdMark({ seq: i + 1, mark: encodeMark(mark) }))
        const half = Math.ceil(held.length / 2)
        const so: HeldMark[] = []
        for (const known of [held.slice(0, half), held.slice(half)]) {
          so.push(...known)
          for (const mark of known) index.add(mark)
          for (const [path, value] of entries) {
            const entry = entryOf(`http://h${path}`, value)
            for (const from of [0, 2]) {
              const about = so.filter(({ bound, mark }) => bound > from && concerns(mark, entry))
              const hard = about.some(({ mark }) => !mark.soft)
              expect(index.verdict(entry, from)).toBe(hard ? 'dead' : about.length > 0 ? 'soft' : 'live')
            }
          }
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('what a purge of one of the URLs hits is what answers for it; by prefix or pattern it is no less', () => {
  const counts = { own: 0, other: 0 }
  fc.assert(
    fc.property(url, url, variance, fc.nat(8), (stored, asked, value, length) => {
      const entry = entryOf(`http://h${stored}`, value)
      const answers = answersFor(entry, `http://h${asked}`)
      expect(concerns(markOf({ url: asked }), entry)).toBe(answers)
      expect(concerns(markOf({ url: `http://h${asked}` }), entry)).toBe(answers)
      if (!answers) return
      counts[stored === asked ? 'own' : 'other']++
      const beginning = asked.slice(0, 1 + length)
      expect(concerns(markOf({ prefix: beginning }), entry)).toBe(true)
      expect(concerns(markOf({ prefix: `http://h${beginning}` }), entry)).toBe(true)
      const literal = asked.replace('?', '\\?')
      for (const pattern of [
        literal,
        `http://h${literal}`,
        `${literal.slice(0, 4 + length)}**`,
        `!${literal}x`,
      ])
        if (compileUrlGlob(pattern)(`http://h${asked}`))
          expect(concerns(markOf({ pattern }), entry)).toBe(true)
    }),
    { numRuns: 2000 },
  )
  expect(counts.other).toBeGreaterThan(100)
})

test('a glob that matches a text may begin with each beginning of it', () => {
  const part = fc.constantFrom('a', 'b', '/', '*', '**', '?', '[ab]', '{a,b/}', '\\?', '{1..3}')
  const glob = fc.array(part, { minLength: 1, maxLength: 6 }).map(parts => parts.join(''))
  let matched = 0
  let refused = 0
  fc.assert(
    fc.property(glob, fc.stringMatching(/^[ab/?1]{1,8}$/), (pattern, text) => {
      const matcher = new Glob(pattern)
      const matches = matcher.matches(text)
      if (matches) matched++
      for (let at = 0; at <= text.length; at++) {
        const may = matcher.mayBeginWith(text.slice(0, at))
        if (matches) expect({ pattern, text, at, may }).toMatchObject({ may: true })
        else if (!may) refused++
      }
    }),
    { numRuns: 3000 },
  )
  expect(matched).toBeGreaterThan(100)
  expect(refused).toBeGreaterThan(1000)
})
