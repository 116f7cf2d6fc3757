import { describe, expect, test } from '@jest/globals'
import type { ScriptedResponse } from '../../support/scripted-origin.js'
import { proxiedOrigin, until } from './proxied-origin.js'

/** RFC 5861, RFC 9111 §4.2.4 and §4.3.3. What is stale comes stale from the origin (Age), so that no test waits. */
const strata = proxiedOrigin()

const stale = (control: string, age = '20'): ScriptedResponse => ({
  fields: [
    ['Cache-Control', control],
    ['Age', age],
    ['ETag', '"1"'],
  ],
  body: 'old',
})
const fresh: ScriptedResponse = {
  fields: [
    ['Cache-Control', 'max-age=60'],
    ['ETag', '"2"'],
  ],
  body: 'new',
}

/** Stores a response, then asks again. */
async function askTwice(first: ScriptedResponse, ...then: ScriptedResponse[]) {
  const target = strata.target()
  strata.origin.script(target, first, ...then)
  expect((await strata.get(target)).body.toString()).toBe('old')
  return { target, answer: await strata.get(target) }
}

describe('stale-while-revalidate (RFC 5861 §3)', () => {
  test('the stale response is the answer while the refresh still runs, and the refreshed one the next', async () => {
    let release = (): void => {}
    const held = new Promise<void>(resolve => (release = resolve))
    const { target, answer } = await askTwice(stale('max-age=10, stale-while-revalidate=60'), {
      ...fresh,
      after: held,
    })
    expect(answer.body.toString()).toBe('old')
    expect(Number(answer.field('Age'))).toBeGreaterThanOrEqual(20)
    expect(answer.field('X-Cache')).toMatch(/^STALE/)
    await strata.origin.asked(target, 2)
    expect((await strata.get(target)).body.toString()).toBe('old')
    release()
    await until(async () => (await strata.get(target)).body.toString() === 'new')
    expect(strata.times(target)).toBe(2)
  })

  test('the refresh is conditional, and a 304 makes the stored response fresh', async () => {
    const target = strata.target()
    const confirmed: ScriptedResponse = {
      status: 304,
      fields: [
        ['ETag', '"1"'],
        ['Cache-Control', 'max-age=60'],
      ],
    }
    strata.origin.script(target, stale('max-age=10, stale-while-revalidate=60'), confirmed)
    await strata.get(target)
    expect((await strata.get(target)).body.toString()).toBe('old')
    await strata.origin.asked(target, 2)
    expect(strata.origin.requests(target)[1]!.headers['if-none-match']).toBe('"1"')
    await until(async () => /^HIT/.test((await strata.get(target)).field('X-Cache') ?? ''))
    expect(strata.times(target)).toBe(2)
  })

  test('beyond the window the origin is asked first', async () => {
    const { answer } = await askTwice(stale('max-age=10, stale-while-revalidate=5'), fresh)
    expect(answer.body.toString()).toBe('new')
  })

  test.each([
    'max-age=10, must-revalidate, stale-while-revalidate=60',
    'max-age=10, proxy-revalidate, stale-while-revalidate=60',
    's-maxage=10, stale-while-revalidate=60',
    'max-age=60, no-cache, stale-while-revalidate=60',
    'max-age=10',
  ])('never with %s', async control => {
    const { answer } = await askTwice(stale(control), fresh)
    expect(answer.body.toString()).toBe('new')
  })

  test('in a targeted field', async () => {
    const first: ScriptedResponse = {
      ...stale('no-store'),
      fields: [['CDN-Cache-Control', 'max-age=10, stale-while-revalidate=60'], ...stale('no-store').fields!],
    }
    const { answer } = await askTwice(first, fresh)
    expect(answer.body.toString()).toBe('old')
  })
})

describe('when the origin fails', () => {
  const failures: [string, ScriptedResponse][] = [
    ['500', { status: 500, body: 'failed' }],
    ['502', { status: 502, body: 'failed' }],
    ['503', { status: 503, body: 'failed' }],
    ['504', { status: 504, body: 'failed' }],
    ['a connection that is cut', { cut: 'start' }],
  ]

  test.each(failures)('stale-if-error covers %s (RFC 5861 §4)', async (_name, failure) => {
    // Twice: a request on a kept connection that was cut may be sent again (RFC 9110 §9.2.2).
    const { answer } = await askTwice(stale('max-age=10, stale-if-error=60'), failure, failure)
    expect([answer.status, answer.body.toString()]).toEqual([200, 'old'])
    expect(answer.field('X-Cache')).toMatch(/^STALE/)
  })

  test.each(failures)('beyond its window it does not cover %s', async (_name, failure) => {
    const { answer } = await askTwice(stale('max-age=10, stale-if-error=5'), failure, failure)
    expect(answer.status).toBeGreaterThanOrEqual(500)
  })

  test.each(['must-revalidate', 'proxy-revalidate', 'no-cache'])('nor with %s', async directive => {
    const { answer } = await askTwice(stale(`max-age=10, ${directive}, stale-if-error=60`), failures[2]![1])
    expect(answer.status).toBe(503)
  })

  test('nor with s-maxage (RFC 9111 §5.2.2.10)', async () => {
    const { answer } = await askTwice(stale('s-maxage=10, stale-if-error=60'), failures[2]![1])
    expect(answer.status).toBe(503)
  })

  test('a 404 is an answer, not a failure', async () => {
    const { answer } = await askTwice(stale('max-age=10, stale-if-error=60'), { status: 404, body: 'gone' })
    expect(answer.status).toBe(404)
  })

  test('must-revalidate and a cut connection: an error, 504 at best (RFC 9111 §5.2.2.2)', async () => {
    const { answer } = await askTwice(
      stale('max-age=10, must-revalidate'),
      { cut: 'start' },
      { cut: 'start' },
    )
    expect(answer.status).toBeGreaterThanOrEqual(502)
    expect(answer.status).toBeLessThanOrEqual(504)
  })
})

test('immutable does not outlive max-age (RFC 8246 §2)', async () => {
  const { answer } = await askTwice(stale('max-age=10, immutable'), fresh)
  expect(answer.body.toString()).toBe('new')
})
