import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fieldLines } from '../../../src/http/fields.js'
import { updateFields } from '../../../src/http/update.js'

describe('RFC 9111 §3.2', () => {
  test.each<[string, string[], string[], string[]]>([
    [
      'replaces in place, in the spelling that was stored',
      ['A', '1', 'B', '2'],
      ['a', '3'],
      ['A', '3', 'B', '2'],
    ],
    ['adds what is new at the end', ['A', '1'], ['B', '2'], ['A', '1', 'B', '2']],
    ['all lines of a field go', ['A', '1', 'B', '2', 'A', '3'], ['A', '4'], ['A', '4', 'B', '2']],
    ['all new lines come', ['A', '1', 'B', '2'], ['A', '3', 'A', '4'], ['A', '3', 'A', '4', 'B', '2']],
    ['new fields of several lines', [], ['B', '2', 'B', '3'], ['B', '2', 'B', '3']],
    ['Content-Length stays', ['Content-Length', '9'], ['content-length', '0'], ['Content-Length', '9']],
    [
      'Content-Encoding stays',
      ['Content-Encoding', 'gzip'],
      ['Content-Encoding', 'br'],
      ['Content-Encoding', 'gzip'],
    ],
    [
      'Content-Range stays',
      ['Content-Range', 'bytes 0-1/9'],
      ['Content-Range', 'bytes 2-3/9'],
      ['Content-Range', 'bytes 0-1/9'],
    ],
    ['Content-MD5 stays', ['Content-MD5', 'x'], ['Content-MD5', 'y'], ['Content-MD5', 'x']],
    ['ETag stays', ['ETag', 'W/"a"'], ['ETag', '"a"'], ['ETag', 'W/"a"']],
    [
      'what describes the stored body is not even added',
      [],
      ['Content-Encoding', 'br', 'ETag', '"x"', 'Content-Length', '0'],
      [],
    ],
    ['Content-Type is updated', ['Content-Type', 'a/b'], ['Content-Type', 'c/d'], ['Content-Type', 'c/d']],
    [
      'Expires and Cache-Control are updated',
      ['Expires', '0', 'Cache-Control', 'max-age=1'],
      ['Cache-Control', 'max-age=2', 'Expires', '1'],
      ['Expires', '1', 'Cache-Control', 'max-age=2'],
    ],
    ["a stored Age told of the old answer's way", ['Age', '50', 'A', '1'], [], ['A', '1']],
    ['a new Age counts', ['Age', '50'], ['Age', '3'], ['Age', '3']],
    ['an old Date goes (RFC 9110 §6.6.1)', ['Date', 'old'], [], []],
    ['a new Date counts', ['Date', 'old'], ['Date', 'new'], ['Date', 'new']],
    ['nothing new', ['A', '1'], [], ['A', '1']],
  ])('%s', (_name, stored, update, expected) => {
    expect(updateFields(stored, update)).toEqual(expected)
  })
})

const TIED = ['content-length', 'content-encoding', 'content-range', 'content-md5', 'etag']
const name = fc
  .constantFrom(...TIED, 'age', 'date', 'a', 'b', 'cache-control', 'content-type')
  .chain(lower => fc.constantFrom(lower, lower.toUpperCase()))
const fields = fc
  .array(fc.tuple(name, fc.constantFrom('1', '2', '3')), { maxLength: 8 })
  .map(list => list.flat())

test('fields tied to the body stay; every other field of the update has just its new lines; the rest stays', () => {
  fc.assert(
    fc.property(fields, fields, (stored, update) => {
      const result = updateFields(stored, update)
      for (const field of TIED) expect(fieldLines(result, field)).toEqual(fieldLines(stored, field))
      for (const field of ['a', 'b', 'cache-control', 'content-type']) {
        const fresh = fieldLines(update, field)
        expect(fieldLines(result, field)).toEqual(fresh.length > 0 ? fresh : fieldLines(stored, field))
      }
      for (const field of ['age', 'date'])
        expect(fieldLines(result, field)).toEqual(fieldLines(update, field))
    }),
    { numRuns: 500 },
  )
})
