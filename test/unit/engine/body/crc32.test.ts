import { describe, expect, test } from '@jest/globals'
import { crc32 as ofZlib } from 'node:zlib'
import fc from 'fast-check'
import { crc32, crc32From } from '../../../../src/engine/body/crc32.js'

const ASCII_DIGITS = Buffer.from('123456789')

describe('CRC-32', () => {
  test('has the check value of its definition', () => {
    expect(crc32(ASCII_DIGITS)).toBe(0xcb_f4_39_26)
  })

  test('is that of the library for this machine', () => {
    expect(crc32).not.toBe(ofZlib)
  })

  test('says what zlib says, of whole bodies and of their parts one after the other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), fc.nat(), (bytes, at) => {
        const cut = at % bytes.length
        const [head, tail] = [bytes.subarray(0, cut), bytes.subarray(cut)]
        expect(crc32(bytes)).toBe(ofZlib(bytes))
        expect(crc32(tail, cut > 0 ? crc32(head) : 0)).toBe(ofZlib(bytes))
      }),
    )
  })

  test('is zlib’s where there is no library for the machine', () => {
    const other = crc32From(() => {
      throw new Error('Cannot find native binding.')
    })
    expect(other(ASCII_DIGITS)).toBe(0xcb_f4_39_26)
    expect(other(ASCII_DIGITS.subarray(4), other(ASCII_DIGITS.subarray(0, 4)))).toBe(0xcb_f4_39_26)
  })
})
