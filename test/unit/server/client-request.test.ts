import { describe, expect, test } from '@jest/globals'
import type { IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { clientRequest, hasBody } from '../../../src/server/client-request.js'

interface Head {
  host?: string | readonly string[]
  method?: string
  fields?: Record<string, string>
  scheme?: 'http' | 'https'
}

function received(
  target: string,
  { host = 'example.com', method = 'GET', fields = {}, scheme = 'http' }: Head = {},
) {
  const hosts = typeof host === 'string' ? [host] : host
  const rawHeaders = [...hosts.flatMap(h => ['Host', h]), ...Object.entries(fields).flat()]
  const headers = {
    host: hosts[0],
    ...Object.fromEntries(Object.entries(fields).map(([n, v]) => [n.toLowerCase(), v])),
  }
  return clientRequest({ method, rawHeaders, headers } as unknown as IncomingMessage, { scheme, target })
}
const BAD = expect.objectContaining({ code: 'STRATA_BAD_REQUEST' })

describe('authority: one spelling for one host', () => {
  test.each<[string, 'http' | 'https', string]>([
    ['example.com', 'http', 'example.com'],
    ['EXAMPLE.com', 'http', 'example.com'],
    ['example.com:80', 'http', 'example.com'],
    ['example.com:443', 'https', 'example.com'],
    ['example.com:443', 'http', 'example.com:443'],
    ['example.com:80', 'https', 'example.com:80'],
    ['example.com.', 'http', 'example.com'],
    ['example.com.:80', 'http', 'example.com'],
    ['example.com.:8080', 'http', 'example.com:8080'],
    ['example.com:8080', 'http', 'example.com:8080'],
    ['127.0.0.1:80', 'http', '127.0.0.1'],
    ['[::1]', 'http', '[::1]'],
    ['[::1]:80', 'http', '[::1]'],
    ['[2001:DB8::1]:8080', 'http', '[2001:db8::1]:8080'],
  ])('%s over %s is %s', (host, scheme, authority) => {
    expect(received('/', { host, scheme }).authority).toBe(authority)
  })

  test.each([
    'a b',
    'a,b',
    'a, b',
    'user@a',
    'a/b',
    'a?b',
    'a#b',
    'a\\b',
    'a:b',
    'a:',
    ':80',
    'a:123456',
    '[::1',
    '::1',
    '[::1]x',
    'a%2fb',
    '.',
    '.:80',
    'a\u00e9',
  ])('%j is refused', host => {
    expect(() => received('/', { host })).toThrow(BAD)
  })

  test('two Host fields are refused, equal or not', () => {
    expect(() => received('/', { host: ['a', 'b'] })).toThrow(BAD)
    expect(() => received('/', { host: ['a', 'a'] })).toThrow(BAD)
  })

  test('what is made of a host is made of it again', () => {
    fc.assert(
      fc.property(
        fc
          .array(fc.constantFrom('a', 'B', '.', '-', '1', ':', '80', '443', '[', ']'), { maxLength: 6 })
          .map(l => l.join('')),
        host => {
          let authority
          try {
            ;({ authority } = received('/', { host }))
          } catch (error) {
            expect(error).toEqual(BAD)
            return
          }
          expect(received('/', { host: authority }).authority).toBe(authority)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('targets', () => {
  test.each<[string, string, string | undefined]>([
    ['/', '/', undefined],
    ['/a%20b/../c', '/a%20b/../c', undefined],
    ['//x/y', '//x/y', undefined],
    ['/a?b=1&b=2?x', '/a', 'b=1&b=2?x'],
    ['/a?', '/a', ''],
    ['*', '*', undefined],
    ['http://example.com/a?b', '/a', 'b'],
    ['HTTP://EXAMPLE.com:80/a', '/a', undefined],
    ['http://example.com', '/', undefined],
    ['http://example.com?q', '/', 'q'],
  ])('%s: path %s, query %s', (target, path, query) => {
    expect(received(target)).toMatchObject({ path, query, authority: 'example.com' })
  })

  test.each([
    'a',
    '',
    '/a#b',
    'http://example.com/#x',
    'ftp://example.com/',
    'http://other.com/',
    'http://user@example.com/',
    'http:///a',
  ])('%j is refused', target => expect(() => received(target)).toThrow(BAD))
})

describe('fields and content', () => {
  test('Host and fields of the connection are not handed on', () => {
    const { rawFields } = received('/', {
      fields: { Accept: 'a', Connection: 'X-Own', 'X-Own': '1', TE: 'trailers' },
    })
    expect(rawFields).toEqual(['Accept', 'a'])
  })

  test.each<[Record<string, string>, boolean]>([
    [{}, false],
    [{ 'content-length': '0' }, false],
    [{ 'content-length': '00' }, false],
    [{ 'content-length': '1' }, true],
    [{ 'transfer-encoding': 'chunked' }, true],
  ])('content by %j: %s (RFC 9112 §6.3)', (headers, has) => {
    expect(hasBody({ headers } as unknown as IncomingMessage)).toBe(has)
  })
})
