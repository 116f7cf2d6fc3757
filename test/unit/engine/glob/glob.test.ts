import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import micromatch from 'micromatch'
import { compileGlob, Glob } from '../../../../src/engine/glob/glob.js'

const segment = fc.stringMatching(/^[abc1]{1,3}$/)
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/'))
const absolute = fc.tuple(fc.constantFrom('', '/', 'http://h/'), path).map(([start, rest]) => start + rest)

/** Patterns as people write them: each segment made of letters and the wildcards that micromatch documents. */
const piece = fc.constantFrom(
  'a',
  'b',
  'c',
  '1',
  'ab',
  '*',
  '?',
  '[ab]',
  '[^a]',
  '[a-c1]',
  '{a,b}',
  '{a,bc,1}',
  '{1..3}',
  '{z}',
  '\\a',
)
const plainSegment = fc
  .array(piece, { minLength: 1, maxLength: 3 })
  .map(parts => parts.join('').replace(/\*+/g, '*'))
const patternSegment = fc.oneof(
  { weight: 3, arbitrary: plainSegment },
  { weight: 1, arbitrary: fc.constant('**') },
)
const pattern = fc
  .tuple(
    fc.constantFrom('', '/', 'http://h/', '!/', '!'),
    fc.array(patternSegment, { minLength: 1, maxLength: 4 }),
  )
  .map(([start, parts]) => start + parts.join('/'))
  // `/**/b` matches `/b` here and not there: tested below.
  .filter(glob => !/^!?\/\*\*\/./.test(glob))
  // micromatch loses the escaped character when a range follows (`a\\a{1..3}` matches `a1` there).
  .filter(glob => !(glob.includes('\\') && glob.includes('..')))

describe('agrees with micromatch', () => {
  test('on patterns and paths of all ordinary shapes', () => {
    fc.assert(
      fc.property(pattern, fc.array(absolute, { minLength: 5, maxLength: 10 }), (glob, texts) => {
        const matches = compileGlob(glob)
        for (const text of texts) {
          expect({ glob, text, matches: matches(text) }).toEqual({
            glob,
            text,
            matches: micromatch.isMatch(text, glob, { dot: true }),
          })
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('on texts that are made from the pattern, so that many match', () => {
    const filled = fc.array(fc.tuple(fc.constantFrom('a', '*', '**', '?', '{a,b}'), segment), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(filled, parts => {
        const glob = `x/${parts.map(([wild]) => wild).join('/')}`
        const text = `x/${parts.map(([, plain]) => plain).join('/')}`
        expect({ glob, text, matches: compileGlob(glob)(text) }).toEqual({
          glob,
          text,
          matches: micromatch.isMatch(text, glob, { dot: true }),
        })
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    ['/tiles/**', '/tiles/3/4/5.png', true],
    ['/tiles/**', '/tiles', true],
    ['/tiles/**', '/tilesets/1', false],
    ['/tiles/*', '/tiles/3/4', false],
    ['/tiles/*/4', '/tiles/3/4', true],
    ['/tiles/{5..12}/**', '/tiles/11/1/2', true],
    ['/tiles/{5..12}/**', '/tiles/13/1/2', false],
    ['/a/**/z', '/a/z', true],
    ['/a/**/z', '/a/b/c/z', true],
    ['/a/**/z', '/a/b/cz', false],
    ['/**/z', '/z', true],
    ['/**/z', '/a/b/z', true],
    ['/*/**', '/a', false],
    ['**/*.png', 'http://h/x/y.png', true],
    ['http://*/x', 'http://h:80/x', true],
    ['/.well-known/*', '/.well-known/x', true],
    ['/*', '/.hidden', true],
    ['!/api/**', '/tiles/1', true],
    ['!/api/**', '/api/1', false],
    ['!!/api/**', '/api/1', true],
    ['/wiki/A_\\(b\\)', '/wiki/A_(b)', true],
    ['/a?c', '/abc', true],
    ['/a?c', '/a/c', false],
    ['/{a,b{1,2}}/x', '/b2/x', true],
    ['/{a,b{1,2}}/x', '/b/x', false],
    ['/{z}/{x}', '/{z}/{x}', true],
    ['/[]x]', '/]', true],
    ['/[^/]', '/a', true],
    ['*', '', false],
  ])('%s on %s: %s', (glob, text, expected) => {
    expect(compileGlob(glob)(text)).toBe(expected)
  })
})

describe('linear time', () => {
  const nasty = [
    `${'*a'.repeat(100)}b`,
    `${'**/'.repeat(60)}x`,
    `/${'*'.repeat(200)}b`,
    '{a,{a,{a,{a,*}}}}'.repeat(10) + 'z',
    `${'?*'.repeat(120)}z`,
    `${'{*,**}'.repeat(30)}z`,
    `${'[a-z]*'.repeat(40)}z`,
  ]

  test.each(nasty)('%#: visits grow with the text, not faster', glob => {
    const visits = (length: number) => {
      const matcher = new Glob(glob)
      expect(matcher.matches('a'.repeat(length))).toBe(false)
      return matcher.visits
    }
    const matcher = new Glob(glob)
    // No place is visited more often than other places lead to it, whatever came before.
    for (const length of [100, 1000, 8000])
      expect(visits(length)).toBeLessThanOrEqual(matcher.edges * (length + 1))
  })

  test('any pattern that is taken stays within its bound', () => {
    const wild = fc
      .array(fc.constantFrom('*', '**', '/', '?', 'a', '{a,*}', '{**,a/}', '[^b]', '**/'), {
        minLength: 1,
        maxLength: 40,
      })
      .map(parts => parts.join(''))
    fc.assert(
      fc.property(wild, fc.stringMatching(/^[ab/]{0,300}$/), (glob, text) => {
        const matcher = new Glob(glob)
        matcher.matches(text)
        expect(matcher.visits).toBeLessThanOrEqual(matcher.edges * (text.length + 1))
      }),
      { numRuns: 300 },
    )
  })
})

describe('64 KB of text', () => {
  /** Each could be at very many places at once. */
  const hostile = [
    '*{1..999}*{1..999}*b',
    '*{1..99}'.repeat(18) + 'b',
    '{1..1000}'.repeat(9),
    `${'*a'.repeat(127)}b`,
    `*${'{a,a}'.repeat(50)}b`,
    `*{${'a,'.repeat(120)}a}b`,
    `**${'{,a}'.repeat(60)}b`,
    `/**${'/*'.repeat(100)}`,
    `${'**/'.repeat(80)}b`,
    `${'[a-z]*'.repeat(40)}b`,
    `${'{*a,*a}'.repeat(30)}b`,
    `*a${'?'.repeat(250)}b`,
  ]

  test.each(hostile)('%.30s: at most 100 words and places are looked at for a character', glob => {
    for (const unit of ['a', '1', '12', '/', '/1', 'aaaaaaaa/', 'ab']) {
      const matcher = new Glob(glob)
      const text = unit.repeat(65_536 / unit.length)
      matcher.matches(`/${text}`)
      expect({ unit, visits: matcher.visits > 100 * text.length }).toEqual({ unit, visits: false })
    }
  })

  test('no pattern makes more places than four times its length', () => {
    const parts = fc.constantFrom(
      '*',
      '**',
      '/',
      '?',
      'a',
      '{a,bb}',
      '{,a}',
      '{123..987}',
      '{8..120}',
      '[a-z]',
      '{*a,b*}',
    )
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 256 }), all => {
        const matcher = new Glob(
          all
            .join('')
            .slice(0, 256)
            .replace(/\{[^}]*$/, ''),
        )
        expect(matcher.edges).toBeLessThanOrEqual(4 * 256)
      }),
      { numRuns: 300 },
    )
  })
})

describe('refuses what it cannot match in linear time, or would match otherwise than micromatch', () => {
  test.each([
    ['', /is empty/],
    ['!', /nothing after/],
    ['a'.repeat(257), /longer than 256/],
    ['+(a|b)', /\( *.*backtracking/],
    ['/(a+)+b', /backtracking/],
    ['a|b', /\|.*backtracking/],
    ['[ab]+', /repeats with \+/],
    ['{a,b}+', /repeats with \+/],
    ['/[a', /"\[" without/],
    ['/{a,b', /"{" without/],
    ['/a}', /"}" without/],
    ['[!a]', /write \[\^/],
    ['[[:alpha:]]', /POSIX/],
    ['[z-a]', /backwards/],
    ['{01..10}', /leading zeros/],
    ['{1..5000}', /more than 1000/],
    ['a\\', /single/],
  ])('%#: %.30s', (glob, message) => {
    expect(() => compileGlob(glob)).toThrow(
      expect.objectContaining({ code: 'STRATA_BAD_REQUEST', message: expect.stringMatching(message) }),
    )
  })
})
