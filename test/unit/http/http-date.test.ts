import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { formatHttpDate, parseHttpDate } from '../../../src/http/http-date.js'

const NOW = Date.UTC(2026, 10, 20, 12)
const AUG_2050 = Date.UTC(2050, 7, 18, 2, 1, 18)

describe('parseHttpDate', () => {
  test.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
    ['Sunday, 06-Nov-94 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
    ['Sun Nov  6 08:49:37 1994', Date.UTC(1994, 10, 6, 8, 49, 37)],
    ['Wed Nov 16 08:49:37 1994', Date.UTC(1994, 10, 16, 8, 49, 37)],
    ['Thursday, 18-Aug-50 02:01:18 GMT', AUG_2050],
    ['Thu Aug  8 02:01:18 2050', Date.UTC(2050, 7, 8, 2, 1, 18)],
    ['THU, 18 Aug 2050 02:01:18 GMT', AUG_2050],
    ['Thu, 18 AUG 2050 02:01:18 GMT', AUG_2050],
    ['Thu, 18 Aug 2050 02:01:18 gMT', AUG_2050],
    ['Tue, 19 Jan 2038 14:14:08 GMT', Date.UTC(2038, 0, 19, 14, 14, 8)],
    ['Sun, 21 Nov 2286 04:46:39 GMT', Date.UTC(2286, 10, 21, 4, 46, 39)],
    ['Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29)],
    ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
    ['Sat, 01 Jan 0050 00:00:00 GMT', new Date('0050-01-01T00:00:00Z').getTime()],
  ])('%s', (text, expected) => {
    expect(parseHttpDate(text, NOW)).toBe(expected)
  })

  test.each([
    '',
    '0',
    '-1',
    'Thu, 18 Aug 2050 02:01:18 UTC',
    'Thu, 18 Aug 2050 02:01:18 AEST',
    'Thu, 18 Aug 50 02:01:18 GMT',
    'Thu 18 Aug 2050 02:01:18 GMT',
    'Thu, 18  Aug  2050 02:01:18 GMT',
    'Thu, 18-Aug-2050 02:01:18 GMT',
    'Thu, 18 Aug 2050 02.01.18 GMT',
    'Thu, 18 Aug 2050 2:01:18 GMT',
    'Thu, 18 Aug 2050 2:01:18 GMT, Thu, 18 Aug 2050 2:01:19 GMT',
    'Foo, 18 Aug 2050 02:01:18 GMT',
    'Thu, 18 Foo 2050 02:01:18 GMT',
    'Thu, 00 Aug 2050 02:01:18 GMT',
    'Thu, 32 Aug 2050 02:01:18 GMT',
    'Thu, 30 Feb 2050 02:01:18 GMT',
    'Wed, 29 Feb 2023 02:01:18 GMT',
    'Thu, 18 Aug 2050 24:01:18 GMT',
    'Thu, 18 Aug 2050 02:60:18 GMT',
    'Thu, 18 Aug 2050 02:01:61 GMT',
    'Thursday, 31-Feb-50 02:01:18 GMT',
    'Thu Aug 8 02:01:18 2050',
    'Thu, 18 Aug 2050 02:01:18 GMT ',
    ' Thu, 18 Aug 2050 02:01:18 GMT',
    '2050-08-18T02:01:18.000Z',
  ])('is no date: %p', text => {
    expect(parseHttpDate(text, NOW)).toBeUndefined()
  })

  test.each([
    // RFC 9110 §5.6.7: more than 50 years ahead means the past
    ['Friday, 20-Nov-76 12:00:00 GMT', NOW, 2076],
    ['Friday, 20-Nov-76 12:00:01 GMT', NOW, 1976],
    ['Sunday, 06-Nov-94 08:49:37 GMT', NOW, 1994],
    ['Saturday, 01-Jan-00 00:00:00 GMT', NOW, 2000],
    ['Saturday, 01-Jan-01 00:00:00 GMT', Date.UTC(2099, 5, 1), 2101],
    ['Saturday, 01-Jan-49 00:00:00 GMT', Date.UTC(2099, 5, 1), 2149],
    ['Saturday, 01-Jan-51 00:00:00 GMT', Date.UTC(2099, 5, 1), 2051],
    ['Saturday, 29-Feb-00 00:00:00 GMT', Date.UTC(2095, 5, 1), 2000], // 2100 has no such day
  ])('%s, read at %d, is in %d', (text, now, year) => {
    expect(new Date(parseHttpDate(text, now)!).getUTCFullYear()).toBe(year)
  })
})

describe('formatHttpDate', () => {
  test.each([
    [Date.UTC(1994, 10, 6, 8, 49, 37), 'Sun, 06 Nov 1994 08:49:37 GMT'],
    [Date.UTC(1994, 10, 6, 8, 49, 37) + 999, 'Sun, 06 Nov 1994 08:49:37 GMT'],
    [Infinity, 'Fri, 31 Dec 9999 23:59:59 GMT'],
    [-Infinity, 'Sat, 01 Jan 0000 00:00:00 GMT'],
  ])('%d', (ms, expected) => {
    expect(formatHttpDate(ms)).toBe(expected)
  })

  test('refuses what is no instant', () => {
    expect(() => formatHttpDate(NaN)).toThrow(RangeError)
  })

  test('is read back to the second, for any instant of four-digit years and at any time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }),
        fc.integer({ min: 0, max: 4_102_444_800_000 }),
        (seconds, now) => {
          expect(parseHttpDate(formatHttpDate(seconds * 1000), now)).toBe(seconds * 1000)
        },
      ),
      { numRuns: 500 },
    )
  })
})

test('is the same in whatever case, one letter or digit changed or not', () => {
  const CHARACTERS = [...'0123456789 :,-JanFGMT']
  const about = fc.tuple(
    fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }),
    fc.option(fc.nat(28)),
    fc.constantFrom(...CHARACTERS),
  )
  fc.assert(
    fc.property(about, ([seconds, at, character]) => {
      const plain = formatHttpDate(seconds * 1000)
      const text = at === null ? plain : plain.slice(0, at) + character + plain.slice(at + 1)
      expect(parseHttpDate(text, 0)).toBe(parseHttpDate(text.toUpperCase(), 0))
    }),
    { numRuns: 1000 },
  )
})

test('an RFC 850 date within 49 years of now is read back', () => {
  const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
  const span = 49 * 365 * 86_400
  fc.assert(
    fc.property(
      fc.integer({ min: 946_684_800, max: 4_102_444_800 }),
      fc.integer({ min: -span, max: span }),
      (now, distance) => {
        const ms = (now + distance) * 1000
        const [, day, month, year, time] = /^..., (..) (...) ..(..) (.{8})/.exec(formatHttpDate(ms))!
        const text = `${DAYS[new Date(ms).getUTCDay()]}, ${day}-${month}-${year} ${time} GMT`
        expect(parseHttpDate(text, now * 1000)).toBe(ms)
      },
    ),
    { numRuns: 500 },
  )
})

test('never throws on any text', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), text => {
      const ms = parseHttpDate(text, NOW)
      expect(ms === undefined || Number.isInteger(ms)).toBe(true)
    }),
  )
})
