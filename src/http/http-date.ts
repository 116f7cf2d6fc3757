const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const SHORT_DAY = '(?:mon|tue|wed|thu|fri|sat|sun)'
const LONG_DAY = '(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)'
const MONTH = '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)'
const TIME = '(\\d{2}):(\\d{2}):(\\d{2})'

/** Where an IMF-fixdate has its spaces, but for the one before GMT. */
const SPACES = [4, 7, 11, 16]
const MONTHS_AS_SENT = MONTHS.map(capitalised)
const DAYS_AS_SENT = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].map(capitalised)

/** `Sun, 06 Nov 1994 08:49:37 GMT` */
const IMF_FIXDATE = new RegExp(`^${SHORT_DAY}, (\\d{2}) ${MONTH} (\\d{4}) ${TIME} gmt$`, 'i')
/** `Sunday, 06-Nov-94 08:49:37 GMT` */
const RFC850 = new RegExp(`^${LONG_DAY}, (\\d{2})-${MONTH}-(\\d{2}) ${TIME} gmt$`, 'i')
/** `Sun Nov  6 08:49:37 1994` */
const ASCTIME = new RegExp(`^${SHORT_DAY} ${MONTH} (\\d{2}| \\d) ${TIME} (\\d{4})$`, 'i')

/** 9999-12-31T23:59:59Z: the last second that four digits of a year can say. */
const LAST_SECOND = 253_402_300_799_000
/** 0000-01-01T00:00:00Z. */
const FIRST_SECOND = -62_167_219_200_000

/** What comes within one second has one Date, and each is read more than once. Of the usual form alone, which does not depend on `now`. */
const latest = { text: '', ms: 0 }

/**
 * Reads an HTTP-date in any of its three forms (RFC 9110 §5.6.7). Names of days, months and the zone are taken in any case;
 * everything else is strict, because a cache must take an invalid date for one in the past (RFC 9111 §5.3) and a lenient
 * reader would hide that it is invalid. The day's name is not compared with the date (asctime() users get it wrong).
 * @param now ms since the epoch; decides the century of a two-digit year: the latest that is at most 50 years ahead.
 * @returns ms since the epoch, or undefined when it is no HTTP-date.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  // All forms fit in 33 characters; the check spares long rubbish the three patterns.
  if (text.length < 24 || text.length > 33) return undefined
  if (text === latest.text) return latest.ms
  const usual = usualFixdate(text)
  if (usual !== undefined) {
    latest.text = text
    latest.ms = usual
    return usual
  }
  let m = IMF_FIXDATE.exec(text)
  if (m !== null) return instant(Number(m[3]), m[2]!, m[1]!, m[4]!, m[5]!, m[6]!)
  m = RFC850.exec(text)
  if (m !== null) return instantOfShortYear(m, now)
  m = ASCTIME.exec(text)
  if (m !== null) return instant(Number(m[6]), m[1]!, m[2]!, m[3]!, m[4]!, m[5]!)
  return undefined
}

/**
 * IMF-fixdate of an instant, to the second. Instants outside the years 0000 to 9999 are clamped: the format has four digits.
 * @param ms since the epoch. @throws RangeError when it is not a number.
 */
export function formatHttpDate(ms: number): string {
  if (Number.isNaN(ms)) throw new RangeError('formatHttpDate: not a number')
  return new Date(Math.min(Math.max(ms, FIRST_SECOND), LAST_SECOND)).toUTCString()
}

/** An IMF-fixdate in the letters that all but a few send: each stored response has two or three, and the pattern makes lists of theirs. */
function usualFixdate(text: string): number | undefined {
  if (text.length !== 29 || text.charCodeAt(3) !== 0x2c || !text.endsWith(' GMT')) return undefined
  for (const at of SPACES) if (text.charCodeAt(at) !== 0x20) return undefined
  if (text.charCodeAt(19) !== 0x3a || text.charCodeAt(22) !== 0x3a) return undefined
  const month = MONTHS_AS_SENT.indexOf(text.slice(8, 11))
  if (month === -1 || !DAYS_AS_SENT.includes(text.slice(0, 3))) return undefined
  const day = twoDigits(text, 5)
  const year = twoDigits(text, 12) * 100 + twoDigits(text, 14)
  const hour = twoDigits(text, 17)
  const minute = twoDigits(text, 20)
  const second = twoDigits(text, 23)
  // Whatever has a limit that depends on something is left to the pattern: late days of a month, leap seconds, early years.
  if (!(day >= 1 && day <= 28 && year >= 1000 && hour <= 23 && minute <= 59 && second <= 59)) return undefined
  return Date.UTC(year, month, day, hour, minute, second)
}

/** NaN when it is not two digits. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30
  const ones = text.charCodeAt(at + 1) - 0x30
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN
}

function capitalised(name: string): string {
  return name[0]!.toUpperCase() + name.slice(1)
}

function instantOfShortYear(m: RegExpExecArray, now: number): number | undefined {
  const limit = new Date(now)
  limit.setUTCFullYear(limit.getUTCFullYear() + 50)
  const century = new Date(now).getUTCFullYear() - (new Date(now).getUTCFullYear() % 100)
  // The next century first: near its turn, '01' is soon and not 98 years ago. The third candidate always is in the past.
  for (const base of [century + 100, century, century - 100]) {
    const ms = instant(base + Number(m[3]), m[2]!, m[1]!, m[4]!, m[5]!, m[6]!)
    if (ms !== undefined && ms <= limit.getTime()) return ms
  }
  return undefined
}

function instant(
  year: number,
  monthName: string,
  dayText: string,
  hourText: string,
  minuteText: string,
  secondText: string,
): number | undefined {
  const month = MONTHS.indexOf(monthName.toLowerCase())
  const day = Number(dayText)
  const [hour, minute, second] = [Number(hourText), Number(minuteText), Number(secondText)]
  // 60 is a leap second (RFC 9110 §5.6.7); it counts as the first second of the next minute.
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month, day) // Date.UTC would take the years 0 to 99 for 1900 to 1999
  if (date.getUTCDate() !== day) return undefined // day 0, 31 Feb
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000
}
