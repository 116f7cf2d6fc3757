import { expect, test } from '@jest/globals'
import { acceptsCoding } from '../../../src/http/content-coding.js'

/** RFC 9110 §12.5.3. */
test.each<[string | null, string, boolean]>([
  [null, 'gzip', false],
  ['', 'gzip', false],
  ['gzip', 'gzip', true],
  ['GZip', 'gzip', true],
  ['gzip', 'GZIP', true],
  ['', 'GZIP', false],
  ['gzip;q=1', 'gzip', true],
  ['br', 'x-compress', false],
  ['br', 'gzip', false],
  ['br, gzip', 'gzip', true],
  ['gzip;q=0.001', 'gzip', true],
  ['gzip;q=0', 'gzip', false],
  ['gzip; q=0', 'gzip', false],
  ['gzip;Q=0', 'gzip', false],
  ['gzip;q=0.000', 'gzip', false],
  ['gzip;x=1;q=0', 'gzip', false],
  ['gzip;q=x', 'gzip', false],
  ['*', 'gzip', true],
  ['*;q=0', 'gzip', false],
  ['gzip, *;q=0', 'gzip', true],
  ['gzip;q=0, *', 'gzip', false],
  ['identity', 'gzip', false],
  ['identity', 'identity', true],
  ['', '', true],
  // §8.4.1: x-gzip and x-compress are gzip and compress
  ['gzip', 'x-gzip', true],
  ['x-gzip', 'gzip', true],
  ['x-compress;q=0', 'compress', false],
  ['compress', 'x-compress', true],
  // all codings that were applied must be accepted
  ['gzip', 'gzip, br', false],
  ['gzip, br', 'br , gzip', true],
  // what is in no registry is an agreement of origin and client
  ['gzip', 'my-coding', true],
  ['br', 'my-coding, gzip', false],
  ['gzip', 'my-coding, gzip', true],
])('%j takes %j: %s', (accept, coding, accepted) => {
  expect(acceptsCoding(accept, coding)).toBe(accepted)
})

test.each(['gzip', 'compress', 'deflate', 'br', 'zstd', 'dcb', 'dcz', 'aes128gcm', 'exi', 'pack200-gzip'])(
  '%s is registered, so it has to be asked for',
  coding => {
    expect(acceptsCoding('', coding)).toBe(false)
    expect(acceptsCoding(coding, coding)).toBe(true)
  },
)
