import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { decodeMark, encodeMark } from '../../../../src/engine/fence/mark-codec.js'
import { canonicalCriteria, faultsOf } from '../../../../src/engine/fence/mark-faults.js'
import { concerns, newMark, type Criteria } from '../../../../src/engine/fence/mark.js'
import { sampleEntry, sampleKey, T0 } from '../../../support/entries.js'

const entry = sampleEntry({
  url: 'http://tiles.example:8080/layer/3/4.png?v=2',
  tags: ['layer:roads', 'z3'],
  fields: ['content-type', 'Image/PNG; charset=x'],
  responseTime: T0,
})

describe('concerns', () => {
  test.each<[Criteria, boolean]>([
    [{ all: true }, true],
    [{ key: entry.key }, true],
    [{ key: sampleKey('other') }, false],
    [{ url: 'http://tiles.example:8080/layer/3/4.png?v=2' }, true],
    [{ url: 'http://tiles.example:8080/layer/3/4.png' }, false],
    [{ url: '/layer/3/4.png?v=2' }, true],
    [{ url: '/layer/3/4.png' }, false],
    [{ prefix: 'http://tiles.example:8080/layer/' }, true],
    [{ prefix: '/layer/3' }, true],
    [{ prefix: '/3' }, false],
    [{ host: 'tiles.example' }, true],
    [{ host: 'tiles.example:8080' }, true],
    [{ host: 'tiles.example:80' }, false],
    [{ host: 'tiles' }, false],
    [{ pattern: '/layer/*/*.png' }, true],
    [{ pattern: '/layer/**' }, true],
    [{ pattern: 'layer/**' }, true],
    [{ pattern: '/layer/*.png' }, false],
    [{ pattern: 'http://tiles.example:*/**' }, true],
    [{ pattern: '**/*.png' }, true],
    [{ pattern: '/layer/3/4.png\\?v=*' }, true],
    [{ pattern: '!/layer/**' }, false],
    [{ pattern: '!/other/**' }, true],
    [{ tag: 'z3' }, true],
    [{ tag: 'z' }, false],
    [{ contentType: 'image/*' }, true],
    [{ contentType: 'image/png' }, true],
    [{ contentType: 'text/*' }, false],
    [{ status: 200 }, true],
    [{ status: 404 }, false],
    [{ olderThan: T0 }, false],
    [{ olderThan: T0 + 1 }, true],
    [{ minBytes: entry.body.size }, true],
    [{ minBytes: entry.body.size + 1 }, false],
    [{ tag: 'z3', host: 'tiles.example', status: 200 }, true],
    [{ tag: 'z3', host: 'tiles.example', status: 404 }, false],
  ])('%j: %s', (criteria, expected) => {
    expect(concerns(newMark(criteria, { at: T0 }), entry)).toBe(expected)
  })
})

describe('canonicalCriteria', () => {
  test.each([
    [{ url: 'HTTP://Tiles.Example:80/A?b#c' }, { url: 'http://tiles.example/A?b' }],
    [{ url: 'https://h:443/' }, { url: 'https://h/' }],
    [{ url: 'https://h:80/' }, { url: 'https://h:80/' }],
    [{ prefix: 'http://h:80' }, { prefix: 'http://h:80' }],
    [{ host: 'Tiles.Example' }, { host: 'tiles.example' }],
    [{ url: '/A#b' }, { url: '/A' }],
  ])('%j', (given, expected) => {
    expect(canonicalCriteria(given)).toEqual(expected)
  })
})

describe('faultsOf', () => {
  test.each<[Criteria, RegExp]>([
    [{}, /says nothing/],
    [{ all: true, tag: 'a' }, /stands alone/],
    [{ all: false as unknown as true }, /must be true/],
    [{ key: 'short' }, /43 characters/],
    [{ url: 'ftp://h/' }, /must begin with/],
    [{ url: 'tiles/1' }, /must begin with/],
    [{ url: '/a b' }, /characters that cannot be there/],
    [{ url: '' }, /is empty/],
    [{ prefix: `/${'a'.repeat(4000)}` }, /longer than/],
    [{ host: 'http://h' }, /is no host/],
    [{ tag: 'a\nb' }, /characters that cannot/],
    [{ pattern: '/(a+)+' }, /backtracking/],
    [{ contentType: '[' }, /without/],
    [{ status: 20 }, /100 to 999/],
    [{ olderThan: 1.5 }, /whole number/],
    [{ minBytes: -1 }, /whole number/],
  ])('%j', (criteria, message) => {
    expect(faultsOf(criteria)).toEqual([
      { path: expect.any(String), message: expect.stringMatching(message) },
    ])
  })

  test('names every fault', () => {
    expect(faultsOf({ key: 'x', status: 1, host: '/' }).map(f => f.path)).toEqual(['key', 'host', 'status'])
  })
})

describe('codec', () => {
  const criteria = fc.record(
    {
      key: fc.constantFrom(sampleKey(1), sampleKey(2)),
      url: fc.constantFrom('/a', 'http://h/ü?x'),
      prefix: fc.constantFrom('/a/', 'https://h/'),
      host: fc.constantFrom('h', '[::1]:80'),
      pattern: fc.constantFrom('/a/**', '!/b/{1..3}'),
      tag: fc.string({ minLength: 1, maxLength: 20 }).filter(t => faultsOf({ tag: t }).length === 0),
      contentType: fc.constant('image/*'),
      status: fc.integer({ min: 100, max: 999 }),
      olderThan: fc.nat(),
      minBytes: fc.nat(),
    },
    { requiredKeys: [] },
  )

  test('what is encoded is decoded', () => {
    fc.assert(
      fc.property(criteria, fc.boolean(), fc.option(fc.nat(), { nil: undefined }), (given, soft, before) => {
        const all = Object.keys(given).length === 0 ? { all: true as const } : given
        const mark = { ...newMark(all, { soft, at: T0 }), ...(before === undefined ? {} : { before }) }
        const text = encodeMark(mark)
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096)
        expect(decodeMark(text)).toEqual(mark)
      }),
      { numRuns: 300 },
    )
  })

  test('too long together is refused, with room to spare for the bound that a move adds', () => {
    const mark = newMark({ url: `/${'a'.repeat(2500)}`, prefix: `/${'a'.repeat(2500)}` }, { at: T0 })
    expect(() => encodeMark(mark)).toThrow(/longer than 4 KiB/)
    for (let length = 3700; length <= 3799; length++) {
      const long = newMark({ url: `/${'a'.repeat(length)}`, tag: 'x'.repeat(100) }, { at: T0, soft: true })
      let fits = true
      try {
        encodeMark(long)
      } catch {
        fits = false
      }
      if (fits) expect(() => encodeMark({ ...long, before: Number.MAX_SAFE_INTEGER })).not.toThrow()
    }
  })

  test.each([
    'no json',
    '[]',
    'null',
    '{}',
    '{"v":2,"id":"a","at":1,"soft":false,"is":{"all":true}}',
    '{"v":1,"id":"a","at":1,"soft":false,"is":{"layer":"roads"}}',
    '{"v":1,"id":"a","at":1,"soft":false,"is":{}}',
    '{"v":1,"id":"a","at":1,"soft":false,"is":{"status":"200"}}',
    '{"v":1,"id":"a","at":1,"soft":false,"is":{"pattern":"("}}',
    '{"v":1,"id":"a","at":1,"soft":"yes","is":{"all":true}}',
    '{"v":1,"id":"a","at":1,"soft":true,"before":"x","is":{"all":true}}',
  ])('%s is refused', text => {
    expect(() => decodeMark(text)).toThrow(expect.objectContaining({ code: 'STRATA_DECODE' }))
  })
})
