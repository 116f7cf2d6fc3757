import { describe, expect, test } from '@jest/globals'
import type { ScriptedResponse } from '../../support/scripted-origin.js'
import { proxiedOrigin } from './proxied-origin.js'

/** RFC 9111 §3, §3.5 and §5.2.2. */
const strata = proxiedOrigin()

const answer = (body: string, ...fields: [string, string][]): ScriptedResponse => ({ fields, body })

describe('must-understand (§5.2.2.3)', () => {
  test.each([200, 203, 301, 404, 410])('voids no-store on %i, which is understood', async status => {
    const target = strata.target()
    const response = { ...answer('one', ['Cache-Control', 'max-age=60, must-understand, no-store']), status }
    strata.origin.script(target, response, { ...response, body: 'two' })
    await strata.get(target)
    const { body, status: seen } = await strata.get(target)
    expect([seen, body.toString()]).toEqual([status, 'one'])
  })

  test.each([299, 499, 599])('forbids storing %i, which is not', async status => {
    const target = strata.target()
    const response = { ...answer('one', ['Cache-Control', 'max-age=60, must-understand, no-store']), status }
    strata.origin.script(target, response, { ...response, body: 'two' })
    await strata.get(target)
    expect((await strata.get(target)).body.toString()).toBe('two')
  })

  test('no-store alone forbids storing 200', async () => {
    const target = strata.target()
    strata.origin.script(target, answer('one', ['Cache-Control', 'max-age=60, no-store']), answer('two'))
    await strata.get(target)
    expect((await strata.get(target)).body.toString()).toBe('two')
  })
})

describe('a newer no-store response after an older stored one (§5.2.2.5)', () => {
  test('is not stored: the next request gets the older one or a new one', async () => {
    const target = strata.target()
    strata.origin.script(
      target,
      answer('old', ['Cache-Control', 'max-age=60']),
      answer('new', ['Cache-Control', 'no-store']),
      answer('newest', ['Cache-Control', 'no-store']),
    )
    await strata.get(target)
    expect((await strata.get(target, ['Cache-Control', 'no-cache'])).body.toString()).toBe('new')
    expect(['old', 'newest']).toContain((await strata.get(target)).body.toString())
  })

  test('to another variant leaves the stored one in use', async () => {
    const target = strata.target()
    strata.origin.script(
      target,
      answer('stored', ['Cache-Control', 'max-age=60'], ['Vary', 'X']),
      answer('other', ['Cache-Control', 'no-store'], ['Vary', 'X']),
      answer('again', ['Cache-Control', 'no-store'], ['Vary', 'X']),
    )
    await strata.get(target, ['X', '1'])
    expect((await strata.get(target, ['X', '2'])).body.toString()).toBe('other')
    expect((await strata.get(target, ['X', '1'])).body.toString()).toBe('stored')
    expect((await strata.get(target, ['X', '2'])).body.toString()).toBe('again')
  })
})

describe('Authorization (§3.5)', () => {
  const credentials: [string, string] = ['Authorization', 'Basic YTpi']

  test.each(['max-age=60', 'max-age=60, proxy-revalidate', 'max-age=60, immutable'])(
    'a response with %s is for its request alone',
    async control => {
      const target = strata.target()
      strata.origin.script(target, answer('hers', ['Cache-Control', control]), answer('his'))
      expect((await strata.get(target, credentials)).body.toString()).toBe('hers')
      expect((await strata.get(target)).body.toString()).toBe('his')
      expect(strata.origin.requests(target)[0]!.headers.authorization).toBe('Basic YTpi')
    },
  )

  test.each(['max-age=60, public', 'max-age=60, must-revalidate', 's-maxage=60'])(
    '%s lets it be used for others',
    async control => {
      const target = strata.target()
      strata.origin.script(target, answer('all', ['Cache-Control', control]), answer('second'))
      await strata.get(target, credentials)
      expect((await strata.get(target)).body.toString()).toBe('all')
      expect((await strata.get(target, ['Authorization', 'Basic eDp5'])).body.toString()).toBe('all')
    },
  )
})

describe('request directives (§5.2.1)', () => {
  test('only-if-cached: 504 when nothing is stored, and the origin is not asked', async () => {
    const target = strata.target()
    expect((await strata.get(target, ['Cache-Control', 'only-if-cached'])).status).toBe(504)
    expect(strata.times(target)).toBe(0)
  })

  test('only-if-cached: the stored response when it is fresh, 504 when it is stale', async () => {
    const [fresh, stale] = [strata.target(), strata.target()]
    strata.origin.script(fresh, answer('stored', ['Cache-Control', 'max-age=60']))
    strata.origin.script(
      stale,
      answer('stored', ['Cache-Control', 'max-age=10'], ['Age', '20'], ['ETag', '"1"']),
    )
    await Promise.all([strata.get(fresh), strata.get(stale)])
    expect((await strata.get(fresh, ['Cache-Control', 'only-if-cached'])).body.toString()).toBe('stored')
    expect((await strata.get(stale, ['Cache-Control', 'only-if-cached'])).status).toBe(504)
    expect(strata.times(stale)).toBe(1)
  })

  test('a reload (max-age=0) does not revalidate what is immutable and fresh (RFC 8246 §2)', async () => {
    const target = strata.target()
    strata.origin.script(
      target,
      answer('stored', ['Cache-Control', 'max-age=60, immutable']),
      answer('again'),
    )
    await strata.get(target)
    expect((await strata.get(target, ['Cache-Control', 'max-age=0'])).body.toString()).toBe('stored')
  })
})

test('Set-Cookie of an interim or cut response is never replayed: a cut body is not stored', async () => {
  const target = strata.target()
  const cut: ScriptedResponse = {
    ...answer('half', ['Cache-Control', 'max-age=60'], ['Set-Cookie', 'a=b']),
    cut: 'body',
  }
  strata.origin.script(target, cut, answer('whole', ['Cache-Control', 'max-age=60']))
  expect((await strata.get(target)).complete).toBe(false)
  const second = await strata.get(target)
  expect([second.body.toString(), second.field('Set-Cookie')]).toEqual(['whole', undefined])
})
