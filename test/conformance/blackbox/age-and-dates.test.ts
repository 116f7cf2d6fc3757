import { describe, expect, test } from '@jest/globals'
import { httpDate, proxiedOrigin } from './proxied-origin.js'

/** RFC 9111 §1.2.2, §4.2.3, §5.1 and §5.3; RFC 9110 §6.6.1. */
const strata = proxiedOrigin()

describe('Age of a response as it arrives', () => {
  const isReused = async (...fields: [string, string][]): Promise<boolean> => {
    const target = strata.target()
    strata.origin.script(target, { fields, body: 'one' }, { fields, body: 'two' })
    await strata.get(target)
    return (await strata.get(target)).body.toString() === 'one'
  }

  test.each(['3600', '2147483647', '2147483648', '4294967297', '18446744073709551617'])(
    '%s is not less than max-age=3600',
    async age => {
      expect(await isReused(['Cache-Control', 'max-age=3600'], ['Age', age])).toBe(false)
    },
  )

  test('delta-seconds beyond 2^31 count as 2^31, for max-age and for Age', async () => {
    expect(await isReused(['Cache-Control', 'max-age=99999999999'], ['Age', '100'])).toBe(true)
    expect(await isReused(['Cache-Control', 'max-age=99999999999'], ['Age', '99999999999'])).toBe(false)
  })

  test.each(['abc', '-7200', '7200.0', ''])('%j is no delta-seconds and is ignored', async age => {
    expect(await isReused(['Cache-Control', 'max-age=3600'], ['Age', age])).toBe(true)
  })

  test('of two, the first counts', async () => {
    expect(await isReused(['Cache-Control', 'max-age=3600'], ['Age', '7200'], ['Age', '0'])).toBe(false)
    expect(await isReused(['Cache-Control', 'max-age=3600'], ['Age', '0'], ['Age', '7200'])).toBe(true)
  })

  test('an old Date makes a response old (apparent_age)', async () => {
    expect(await isReused(['Cache-Control', 'max-age=3600'], ['Date', httpDate(-7200)])).toBe(false)
  })
})

describe('Age of an answer', () => {
  test('is what it was, and what has passed', async () => {
    const target = strata.target()
    strata.origin.script(target, {
      fields: [
        ['Cache-Control', 'max-age=3600'],
        ['Age', '100'],
      ],
    })
    await strata.get(target)
    expect(Number((await strata.get(target)).field('Age'))).toBeGreaterThanOrEqual(100)
    expect((await strata.get(target)).values('Age')).toHaveLength(1)
  })

  test('counts from the request on, so that a slow origin makes a response older (response_delay)', async () => {
    const target = strata.target()
    let release = (): void => {}
    const held = new Promise<void>(resolve => (release = resolve))
    strata.origin.script(target, {
      fields: [
        ['Cache-Control', 'max-age=3600'],
        ['Date', httpDate()],
      ],
      after: held,
    })
    const asked = strata.get(target)
    await strata.origin.asked(target, 1)
    setTimeout(release, 2_100)
    await asked
    expect(Number((await strata.get(target)).field('Age'))).toBeGreaterThanOrEqual(2)
  })
})

describe('Date and Expires', () => {
  test('of a stored response are left alone', async () => {
    const target = strata.target()
    const [date, expires] = [httpDate(-30), httpDate(3600)]
    strata.origin.script(target, {
      fields: [
        ['Date', date],
        ['Expires', expires],
      ],
    })
    for (const _ of [1, 2]) {
      const answer = await strata.get(target)
      expect([answer.values('Date'), answer.values('Expires')]).toEqual([[date], [expires]])
    }
    expect(strata.times(target)).toBe(1)
  })

  test('a past Expires is not put right', async () => {
    const target = strata.target()
    const expires = httpDate(-3600)
    strata.origin.script(target, {
      fields: [
        ['CDN-Cache-Control', 'max-age=60'],
        ['Date', httpDate()],
        ['Expires', expires],
      ],
    })
    await strata.get(target)
    expect((await strata.get(target)).values('Expires')).toEqual([expires])
  })

  test('an Expires that is no date stays as it came', async () => {
    const target = strata.target()
    strata.origin.script(target, {
      fields: [
        ['Cache-Control', 'max-age=60'],
        ['Expires', '0'],
      ],
    })
    await strata.get(target)
    expect((await strata.get(target)).values('Expires')).toEqual(['0'])
  })
})
