import type { Socket } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { isBan, parseBan } from '../../../src/server/ban-packet.js'

const socket = { remoteAddress: '127.0.0.1' } as Socket
const parse = (text: string, code = 'HPE_INVALID_METHOD') =>
  parseBan({ code, rawPacket: Buffer.from(text, 'latin1') }, socket)

describe('a BAN that node:http gave up', () => {
  test('is read', () => {
    expect(parse('BAN /x HTTP/1.1\r\nHost: a\r\nX-Ban-Url:  /t/** \r\nxkey: a\r\nXkey: b\r\n\r\n')).toEqual({
      method: 'BAN',
      target: '/x',
      headers: { host: 'a', 'x-ban-url': '/t/**', xkey: 'a, b' },
      socket,
    })
  })

  test.each([
    ['another fault', 'BAN / HTTP/1.1\r\n\r\n', 'HPE_INVALID_VERSION'],
    ['another method', 'BANE / HTTP/1.1\r\n\r\n'],
    ['no end of its header', 'BAN / HTTP/1.1\r\nHost: a\r\n'],
    ['two targets', 'BAN / / HTTP/1.1\r\n\r\n'],
    ['another version', 'BAN / HTTP/2.0\r\n\r\n'],
    ['a folded line', 'BAN / HTTP/1.1\r\nX-Ban-Url: /a\r\n /b\r\n\r\n'],
    ['a blank before the colon', 'BAN / HTTP/1.1\r\nHost : a\r\n\r\n'],
    ['two Hosts', 'BAN / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n'],
    ['two tokens', 'BAN / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n'],
    ['a bare line feed', 'BAN / HTTP/1.1\nHost: a\n\n'],
  ])('is not, with %s', (_, text, code = 'HPE_INVALID_METHOD') => {
    expect(parse(text, code)).toBeUndefined()
  })

  test('is told from others', () => {
    expect(isBan({ code: 'HPE_INVALID_METHOD' })).toBe(false)
    expect(isBan({ code: 'HPE_INVALID_METHOD', rawPacket: Buffer.from('BAN /') })).toBe(true)
  })
})
