import { describe, expect, test } from '@jest/globals'
import { withoutPort, withoutPorts } from '../../../../src/engine/operator/without-port.js'

describe('a URL, a prefix or a glob without its port', () => {
  test.each([
    ['http://a:8080/x', 'http://a/x'],
    ['http://a:8080', 'http://a'],
    ['http://a:8080?q', 'http://a?q'],
    ['https://[::1]:8443/x', 'https://[::1]/x'],
    ['https://[::1]/x', 'https://[::1]/x'],
    ['http://a:*/tiles/**', 'http://a/tiles/**'],
    ['!http://{a,b}:80/x', '!http://{a,b}/x'],
    ['http://a/x:80/y', 'http://a/x:80/y'],
    ['http://a/?u=http://b:80/', 'http://a/?u=http://b:80/'],
    ['/tiles/a:80/x', '/tiles/a:80/x'],
    ['**/x:80', '**/x:80'],
  ])('%s', (given, expected) => expect(withoutPort(given)).toBe(expected))

  test('all that a request names, and nothing else of it', () => {
    const request = {
      urls: ['http://a:1/x'],
      patterns: ['http://a:1/*'],
      prefix: 'http://a:1/',
      host: 'a:1',
      tags: ['http://a:1/'],
      soft: true,
    }
    expect(withoutPorts(request)).toEqual({
      urls: ['http://a/x'],
      patterns: ['http://a/*'],
      prefix: 'http://a/',
      host: 'a',
      tags: ['http://a:1/'],
      soft: true,
    })
    const all = { all: true, host: 'a:1' }
    expect(withoutPorts(all)).toEqual({ all: true, host: 'a' })
  })
})
