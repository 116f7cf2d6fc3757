import { describe, expect, test } from '@jest/globals'
import { proxiedOrigin } from './proxied-origin.js'

/** RFC 9111 §4.4 and RFC 9875 (Cache-Groups). */
const strata = proxiedOrigin()

const fresh = (...more: [string, string][]): [string, string][] => [['Cache-Control', 'max-age=60'], ...more]

/** A target that is stored, and would be answered anew if it were not. */
async function stored(...more: [string, string][]): Promise<string> {
  const target = strata.target()
  strata.origin.script(
    target,
    { fields: fresh(...more), body: 'old' },
    { fields: fresh(...more), body: 'new' },
  )
  expect((await strata.get(target)).body.toString()).toBe('old')
  return target
}

const bodyOf = async (target: string): Promise<string> => (await strata.get(target)).body.toString()

/** An unsafe request to a target of its own. */
async function post(status: number, ...fields: [string, string][]): Promise<void> {
  const target = strata.target()
  strata.origin.script(target, { status, fields })
  expect((await strata.send({ method: 'POST', target, body: 'x' })).status).toBe(status)
}

describe('unsafe methods', () => {
  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s that succeeds invalidates its target', async method => {
    const target = strata.target()
    strata.origin.script(
      target,
      { fields: fresh(), body: 'old' },
      { status: 200 },
      { fields: fresh(), body: 'new' },
    )
    await strata.get(target)
    await strata.send({ method, target, body: 'x' })
    expect(await bodyOf(target)).toBe('new')
  })

  test('one that fails does not', async () => {
    const target = strata.target()
    strata.origin.script(
      target,
      { fields: fresh(), body: 'old' },
      { status: 500 },
      { fields: fresh(), body: 'new' },
    )
    await strata.get(target)
    await strata.send({ method: 'POST', target, body: 'x' })
    expect(await bodyOf(target)).toBe('old')
  })

  test('all variants of the target go', async () => {
    const target = strata.target()
    const varied = { fields: fresh(['Vary', 'X']) }
    strata.origin.script(target, varied, varied, { status: 200 }, varied, varied)
    await strata.get(target, ['X', '1'])
    await strata.get(target, ['X', '2'])
    await strata.send({ method: 'POST', target, body: 'x' })
    await strata.get(target, ['X', '1'])
    await strata.get(target, ['X', '2'])
    expect(strata.times(target)).toBe(5)
  })

  test('Location and Content-Location of the same origin go too, those of another one stay', async () => {
    const [located, content, foreign] = [await stored(), await stored(), await stored()]
    await post(201, ['Location', located], ['Content-Location', content])
    await post(201, ['Location', `http://other.example${foreign}`])
    expect([await bodyOf(located), await bodyOf(content), await bodyOf(foreign)]).toEqual([
      'new',
      'new',
      'old',
    ])
  })
})

describe('Cache-Groups (RFC 9875)', () => {
  let count = 0
  const group = (): string => `group-${++count}`

  test('Cache-Group-Invalidation of an unsafe request invalidates the whole group, and no other', async () => {
    const [one, two] = [group(), group()]
    const members = [
      await stored(['Cache-Groups', `"${one}"`]),
      await stored(['Cache-Groups', `"${two}", "${one}"`]),
    ]
    const others = [await stored(['Cache-Groups', `"${two}"`]), await stored()]
    await post(200, ['Cache-Group-Invalidation', `"${one}"`])
    expect(await Promise.all(members.map(bodyOf))).toEqual(['new', 'new'])
    expect(await Promise.all(others.map(bodyOf))).toEqual(['old', 'old'])
  })

  test('in the response to a safe request it is ignored (§3)', async () => {
    const name = group()
    const [member, other] = [await stored(['Cache-Groups', `"${name}"`]), strata.target()]
    strata.origin.script(other, { fields: [['Cache-Group-Invalidation', `"${name}"`]] })
    await strata.get(other)
    expect(await bodyOf(member)).toBe('old')
  })

  test('names are compared with case (§2.1)', async () => {
    const name = group()
    const member = await stored(['Cache-Groups', `"${name}"`])
    await post(200, ['Cache-Group-Invalidation', `"${name.toUpperCase()}"`])
    expect(await bodyOf(member)).toBe('old')
  })

  test.each(['token', '"unclosed', '"a" "b"', '1'])(
    'a field that is no List of Strings is ignored: %s',
    async value => {
      const member = await stored(['Cache-Groups', value])
      await post(200, ['Cache-Group-Invalidation', value])
      expect(await bodyOf(member)).toBe('old')
    },
  )

  test('a stale member may still be validated after its group was invalidated, but is not used unasked', async () => {
    const name = group()
    const member = await stored(['Cache-Groups', `"${name}"`], ['ETag', '"1"'])
    await post(200, ['Cache-Group-Invalidation', `"${name}"`])
    expect(await bodyOf(member)).toBe('new')
    expect(strata.times(member)).toBe(2)
  })
})
