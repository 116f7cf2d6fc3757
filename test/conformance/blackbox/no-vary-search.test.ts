import { describe, expect, test } from '@jest/globals'
import { proxiedOrigin } from './proxied-origin.js'

/** No-Vary-Search (IETF draft-ietf-httpbis-no-vary-search), which is off by default. */
const strata = proxiedOrigin({ STRATA_DEFAULTS_NO_VARY_SEARCH: 'true', STRATA_HTTP_EXPOSE_KEY: 'true' })

const says = (value: string, ...more: [string, string][]) => ({
  fields: [['Cache-Control', 'max-age=60'], ['No-Vary-Search', value], ...more] as [string, string][],
})
const cacheOf = async (target: string, ...fields: [string, string][]) =>
  (await strata.get(target, ...fields)).field('X-Cache')

describe('a stored response answers for', () => {
  test.each([
    ['params', '?a=1', '?b=2', true],
    ['params', '?a=1', '', true],
    ['params=("utm_source" "utm_medium")', '?id=1&utm_source=x', '?utm_medium=y&id=1', true],
    ['params=("utm_source" "utm_medium")', '?id=1&utm_source=x', '?id=2&utm_source=x', false],
    ['params=("utm_source")', '?id=1&utm_source=x', '?id=1&utm_sourcE=x', false],
    ['params, except=("id")', '?id=1&a=1', '?b=1&id=1', true],
    ['params, except=("id")', '?id=1&a=1', '?a=1', false],
    ['key-order', '?a=1&b=2', '?b=2&a=1', true],
    ['key-order', '?a=1&a=2', '?a=2&a=1', false],
    ['params=("c")', '?a=1&b=2', '?b=2&a=1', false],
    ['params=("%C3%A9")', '?x=1&%c3%a9=2', '?x=1', true],
    ['params=("c")', '?q=a%20b', '?q=a+b', true],
    // Not understood: as if it were not there.
    ['params=("a"), except=("b")', '?a=1', '?a=2', false],
    ['params=a', '?a=1', '?a=2', false],
    ['params=("a"', '?a=1', '?a=2', false],
    ['key-order="yes"', '?a=1&b=2', '?b=2&a=1', false],
    [`params=(${Array.from({ length: 65 }, (_, i) => `"p${i}"`).join(' ')})`, '?p1=1', '?p1=2', false],
  ])('%s: %s and %s: %p', async (value, first, second, same) => {
    const path = strata.target()
    strata.origin.script(path + first, says(value))
    strata.origin.script(path + second, says(value))
    expect(await cacheOf(path + first)).toBe('MISS')
    expect(await cacheOf(path + second)).toBe(same ? 'HIT' : 'MISS')
    expect(strata.times(path + second)).toBe(same ? 0 : 1)
  })

  test('its own path alone', async () => {
    const path = strata.target()
    strata.origin.script(`${path}?utm=1`, says('params'))
    strata.origin.script(`${path}/b?utm=1`, says('params'))
    await strata.get(`${path}?utm=1`)
    expect(await cacheOf(`${path}/b?utm=1`)).toBe('MISS')
  })

  test('requests that Vary selects it for', async () => {
    const path = strata.target()
    strata.origin.script(`${path}?id=1&utm=1`, says('params=("utm")', ['Vary', 'X']))
    strata.origin.script(`${path}?id=1`, says('params=("utm")', ['Vary', 'X']))
    expect(await cacheOf(`${path}?id=1&utm=1`, ['X', 'a'])).toBe('MISS')
    expect(await cacheOf(`${path}?id=1&utm=2`, ['X', 'a'])).toBe('HIT')
    expect(await cacheOf(`${path}?id=1&utm=3`, ['X', 'b'])).toBe('MISS')
    expect(await cacheOf(`${path}?id=1&utm=4`, ['X', 'b'])).toBe('HIT')
    expect(await cacheOf(`${path}?id=1&utm=4`, ['X', 'a'])).toBe('HIT')
  })
})

test('what does not matter is not forwarded once that is known, and the answer says where its key is from', async () => {
  const path = strata.target()
  strata.origin.script(`${path}?id=1&utm=1`, says('params=("utm")'))
  strata.origin.script(`${path}?id=2`, says('params=("utm")'))
  const first = await strata.get(`${path}?id=1&utm=1`)
  expect(first.field('Cache-Status')).toMatch(/; stored; key="[^"]{43}"; detail=none-stored$/)
  const second = await strata.get(`${path}?id=1&utm=2`)
  expect(second.field('Cache-Status')).toMatch(
    /; hit; ttl=\d+; key="[^"]{43}"; detail="max-age; no-vary-search"$/,
  )
  // The key that an answer names is the one that it is stored under.
  const keyOf = (answer: typeof first) => /key="([^"]*)"/.exec(answer.field('Cache-Status')!)![1]
  expect(keyOf(second)).toBe(keyOf(first))
  const other = await strata.get(`${path}?utm=3&id=2`)
  expect(other.field('Cache-Status')).toMatch(/fwd=uri-miss; .*detail="none-stored; no-vary-search"$/)
  expect(strata.times(`${path}?id=2`)).toBe(1)
})

test('an answer to the simplified URL that is not for the one that was asked is not given', async () => {
  const path = strata.target()
  const plain = (body: string) => ({ fields: [['Cache-Control', 'max-age=60']] as [string, string][], body })
  strata.origin.script(`${path}?id=1&lang=de`, says('params=("lang")'))
  strata.origin.script(`${path}?id=2`, plain('two'))
  strata.origin.script(`${path}?id=2&lang=fr`, plain('deux'))
  await strata.get(`${path}?id=1&lang=de`)
  expect((await strata.get(`${path}?id=2&lang=fr`)).body.toString()).toBe('deux')
  expect((await strata.get(`${path}?id=2`)).body.toString()).toBe('two')
  expect(await cacheOf(`${path}?id=2&lang=fr`)).toBe('HIT')
  expect(await cacheOf(`${path}?id=1&lang=en`)).toBe('HIT')
})

test('it is revalidated by a 304 like any other', async () => {
  const path = strata.target()
  const stale = (maxAge: number) => [
    ['Cache-Control', `max-age=${maxAge}`],
    ['No-Vary-Search', 'params=("utm")'],
    ['ETag', '"1"'],
  ]
  const fields = (maxAge: number) => stale(maxAge) as [string, string][]
  strata.origin.script(`${path}?id=1&utm=1`, { fields: fields(0), body: 'text' })
  strata.origin.script(`${path}?id=1`, { status: 304, fields: fields(60) })
  await strata.get(`${path}?id=1&utm=1`)
  const again = await strata.get(`${path}?id=1&utm=2`)
  expect([again.field('X-Cache'), again.body.toString()]).toEqual(['REVALIDATED', 'text'])
  expect(await cacheOf(`${path}?id=1&utm=3`)).toBe('HIT')
})

describe('a URL that is the same', () => {
  async function stored(): Promise<string> {
    const path = strata.target()
    strata.origin.script(`${path}?id=1&utm=1`, says('params=("utm")'))
    strata.origin.script(`${path}?id=1`, says('params=("utm")'), says('params=("utm")'))
    await strata.get(`${path}?id=1&utm=1`)
    expect(await cacheOf(`${path}?id=1&utm=2`)).toBe('HIT')
    return path
  }
  const invalidate = async (body: object) => {
    const answer = await strata.send({
      method: 'POST',
      target: '/admin/cache/invalidate',
      body: JSON.stringify(body),
    })
    expect(answer.status).toBe(200)
  }

  test.each<[string, (path: string) => object]>([
    ['url', path => ({ urls: [`${path}?id=1&utm=2`] })],
    ['prefix', path => ({ prefix: `${path}?id=1&utm=2` })],
    ['pattern', path => ({ patterns: [`${path}\\?*utm=2`] })],
  ])('purged by %s takes the entry with it', async (_, request) => {
    const path = await stored()
    await invalidate(request(path))
    expect(await cacheOf(`${path}?id=1&utm=2`)).toBe('MISS')
  })

  test('another one purged leaves it', async () => {
    const path = await stored()
    await invalidate({ urls: [`${path}?id=2&utm=2`] })
    expect(await cacheOf(`${path}?id=1&utm=2`)).toBe('HIT')
  })

  test('invalidated by a POST to it (RFC 9111 §4.4) takes the entry with it', async () => {
    const path = await stored()
    strata.origin.script(`${path}?id=1&utm=9`, { status: 204 })
    await strata.send({ method: 'POST', target: `${path}?id=1&utm=9`, body: 'x' })
    expect(strata.origin.requests(`${path}?id=1&utm=9`)[0]!.method).toBe('POST')
    expect(await cacheOf(`${path}?id=1&utm=2`)).toBe('MISS')
  })
})
