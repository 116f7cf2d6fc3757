import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import micromatch from 'micromatch'
import { entryTags } from '../../../src/engine/entry-tags.js'
import { captureCount, compileTags, highestPlace } from '../../../src/engine/rule-tags.js'

describe('tags of a rule', () => {
  test.each<[string, string, string, string[]]>([
    ['/collections/*/items/**', 'collection:{1}', '/collections/roads/items/7', ['collection:roads']],
    ['/collections/*/items/**', 'item:{1}:{2}', '/collections/roads/items/7/a', ['item:roads:7/a']],
    ['/collections/*/items/**', 'item:{2}', '/collections/roads/items', []],
    ['/tiles/*/*/*/*.png', 'z:{1}/{2}', '/tiles/osm/12/3/4.png', ['z:osm/12']],
    ['/tiles/*/**', '{1}-{1}', '/tiles/a%20b/1', ['a%20b-a%20b']],
    ['/{ogc,stac}/*', '{1}:{2}', '/stac/x', ['stac:x']],
    ['/**', 'plain', '/anything', ['plain']],
    ['/a/*', 'x{0}{}{a}', '/a/1', ['x{0}{}{a}']],
  ])('%s with %s for %s', (glob, tag, path, expected) => {
    expect(compileTags([tag], [glob])(path)).toEqual(expected)
  })

  test('of several globs the first that matches counts', () => {
    const tags = compileTags(['c:{1}', 'all'], ['/a/*', '/b/x/*'])
    expect(tags('/b/x/7')).toEqual(['c:7', 'all'])
    expect(tags('/a/8')).toEqual(['c:8', 'all'])
    expect(tags('/elsewhere')).toEqual(['all'])
  })

  test('a path with what a replacement would take for its own signs stays as it is', () => {
    expect(compileTags(['t:{1}'], ['/a/*'])("/a/$1$&$'")).toEqual(["t:$1$&$'"])
  })

  test('of a path that is too long none can be told: what it is about is not stored', () => {
    const head = { fields: [], tags: undefined }
    const settings = { http: { tagFields: [] } }
    const rule = { tags: compileTags(['t:{1}', 'all'], ['/a/*/**']), maxTags: 9 }
    const longest = `/a/b/${'c'.repeat(4091)}`
    expect(rule.tags(longest)).toEqual(['t:b', 'all'])
    expect(rule.tags(`${longest}c`)).toBeUndefined()
    expect(entryTags(head, `${longest}c`, rule, settings as never)).toBeUndefined()
    expect(compileTags(['all'], ['/a/**'])(`${longest}c`)).toEqual(['all'])
  })

  test('counts captures, and the highest that a tag names', () => {
    expect(['/a', '/*', '/*/**', '/{a,b}/*'].map(captureCount)).toEqual([0, 1, 2, 2])
    expect(['a', '{1}', '{2}{11}', '{0}', '{100}'].map(highestPlace)).toEqual([0, 1, 11, 0, 0])
  })

  test('agrees with micromatch.capture', () => {
    const segment = fc.stringMatching(/^[a-z0-9%._~-]{1,8}$/)
    const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map(parts => `/${parts.join('/')}`)
    const globs = fc.constantFrom('/*/*', '/**', '/*/**', '/a/*', '/*.*/**')
    fc.assert(
      fc.property(globs, path, (glob, at) => {
        const captures = micromatch.capture(glob, at, { dot: true })
        const expected = captures?.[0] ? [`t:${captures[0]}`] : []
        expect(compileTags(['t:{1}'], [glob])(at)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })
})

describe('tags of an entry', () => {
  const http = { tagFields: ['cache-tag', 'surrogate-key'] } as never
  const settings = { http: { ...(http as object) } } as never
  const rule = (maxTags: number, ...tags: string[]) => ({ maxTags, tags: compileTags(tags, ['/c/*']) })
  const head = { fields: ['Cache-Tag', 'a, b', 'Surrogate-Key', 'b c'], tags: ['code', 'a'] }

  test('come from fields, code and rule, each once', () => {
    expect(entryTags(head, '/c/7', rule(10, 'c:{1}', 'a'), settings)).toEqual(['a', 'b', 'c', 'code', 'c:7'])
  })

  test.each([
    ['as many as the limit', 5, '/c/7', true],
    ['one more', 4, '/c/7', false],
    ['more in the fields alone', 2, '/c/7', false],
    ['a path that makes too long a tag', 9, `/c/${'x'.repeat(1025)}`, false],
  ])('%s', (_, maxTags, path, fits) => {
    expect(entryTags(head, path, rule(maxTags, 'c:{1}'), settings) !== undefined).toBe(fits)
  })
})
