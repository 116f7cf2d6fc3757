import { describe, expect, test } from '@jest/globals'
import { NO_CACHE_CONTROL, parseCacheControl } from '../../../src/http/cache-control.js'
import { endToEnd, HOP_BY_HOP, storedFields } from '../../../src/http/hop-by-hop.js'

const names = (fields: readonly string[]) => fields.filter((_, i) => i % 2 === 0)
const all = (...list: string[]) => list.flatMap(name => [name, 'v'])

describe('endToEnd', () => {
  test('drops every hop-by-hop field, in any case', () => {
    const fields = all('A', ...[...HOP_BY_HOP].map(name => name.toUpperCase()), 'B')
    expect(endToEnd(fields)).toEqual(['A', 'v', 'B', 'v'])
  })

  test('drops what Connection names, on all its lines', () => {
    const fields = ['Connection', 'a, , B', ...all('A', 'b', 'c', 'd'), 'connection', 'close,D']
    expect(endToEnd(fields)).toEqual(['c', 'v'])
  })

  test('keeps what is meant for all recipients though Connection names it', () => {
    const kept = [
      'Cache-Control',
      'Authorization',
      'Cookie',
      'Set-Cookie',
      'Vary',
      'Content-Length',
      'Host',
      'Age',
    ]
    expect(names(endToEnd(['Connection', kept.join(','), ...all(...kept)]))).toEqual(kept)
  })

  test("keeps the proxy's fields, which are no hop-by-hop fields, and the order and case of the rest", () => {
    const fields = all('Proxy-Authenticate', 'x-A', 'X-a', 'Te-x')
    expect(endToEnd(fields)).toEqual(fields)
  })
})

describe('storedFields', () => {
  test.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Authentication-Info',
    'Proxy-Authorization',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
  ])('never %s (RFC 9111 §3.1)', name => {
    expect(storedFields(all('A', name), NO_CACHE_CONTROL)).toEqual(['A', 'v'])
  })

  test.each([
    'Set-Cookie',
    'Content-Encoding',
    'Clear-Site-Data',
    'Public-Key-Pins',
    'Content-Range',
    'X-Foo',
  ])('%s', name => {
    expect(storedFields(all(name), NO_CACHE_CONTROL)).toEqual([name, 'v'])
  })

  test.each([
    ['no-cache="a, B"', ['c', 'Set-Cookie', 'ETag']],
    ['private="set-cookie"', ['a', 'b', 'c', 'ETag']],
    ['private="a", no-cache="c"', ['b', 'Set-Cookie', 'ETag']],
    ['private="etag, a"', ['b', 'c', 'Set-Cookie', 'ETag']],
    ['private, no-cache', ['a', 'b', 'c', 'Set-Cookie', 'ETag']],
    ['max-age=3', ['a', 'b', 'c', 'Set-Cookie', 'ETag']],
  ])('%s', (line, expected) => {
    const fields = all('a', 'b', 'c', 'Set-Cookie', 'ETag')
    expect(names(storedFields(fields, parseCacheControl([line])))).toEqual(expected)
  })

  test('also drops what Connection names', () => {
    const fields = ['Connection', 'a', ...all('a', 'b', 'c')]
    expect(storedFields(fields, parseCacheControl(['private="b"']))).toEqual(['c', 'v'])
  })
})
