import { describe, expect, test } from '@jest/globals'
import { parseList } from 'structured-headers'
import type { RawResponse } from '../../support/raw-client.js'
import { proxiedOrigin } from './proxied-origin.js'

/** RFC 9211: Cache-Status is a List of Structured Fields; our member is the last, nearest to the client. */
const strata = proxiedOrigin()

function own(answer: RawResponse): { cache: string; parameters: Record<string, unknown> } {
  const members = parseList(answer.field('Cache-Status') ?? '')
  const [cache, parameters] = members[members.length - 1]!
  const plain = [...parameters].map(([name, value]) => [
    name,
    typeof value === 'object' ? String(value) : value,
  ])
  return { cache: String(cache), parameters: Object.fromEntries(plain) }
}

const fresh: [string, string][] = [['Cache-Control', 'max-age=60']]

test('a miss: why it was forwarded, what came back, whether it is stored; then a hit with what is left', async () => {
  const target = strata.target()
  strata.origin.script(target, { fields: fresh })
  const [miss, hit] = [await strata.get(target), await strata.get(target)]
  expect(miss.field('X-Cache')).toMatch(/^MISS/)
  expect(own(miss).parameters).toMatchObject({ fwd: 'uri-miss', stored: true })
  expect(own(miss).parameters['hit']).toBeUndefined()
  expect(hit.field('X-Cache')).toMatch(/^HIT/)
  expect(own(hit).parameters).toMatchObject({ hit: true })
  expect(own(hit).parameters['fwd']).toBeUndefined()
  expect(own(hit).parameters['ttl']).toBeGreaterThan(50)
  expect(own(hit).parameters['ttl']).toBeLessThanOrEqual(60)
  expect(own(hit).cache).toBe(own(miss).cache)
})

describe('fwd', () => {
  test('stale, with the status of the origin', async () => {
    const target = strata.target()
    strata.origin.script(
      target,
      {
        fields: [
          ['Cache-Control', 'max-age=10'],
          ['Age', '20'],
          ['ETag', '"1"'],
        ],
      },
      { status: 304, fields: [['ETag', '"1"'], ...fresh] },
    )
    await strata.get(target)
    const answer = await strata.get(target)
    expect(answer.field('X-Cache')).toMatch(/^REVALIDATED/)
    expect(own(answer).parameters).toMatchObject({ fwd: 'stale', 'fwd-status': 304 })
  })

  test('vary-miss', async () => {
    const target = strata.target()
    const varied: [string, string][] = [...fresh, ['Vary', 'X']]
    strata.origin.script(target, { fields: varied }, { fields: varied })
    await strata.get(target, ['X', '1'])
    expect(own(await strata.get(target, ['X', '2'])).parameters).toMatchObject({ fwd: 'vary-miss' })
  })

  test('request: the client asked for it', async () => {
    const target = strata.target()
    strata.origin.script(target, { fields: fresh }, { fields: fresh })
    await strata.get(target)
    const answer = await strata.get(target, ['Cache-Control', 'no-cache'])
    expect(own(answer).parameters).toMatchObject({ fwd: 'request' })
  })

  test('partial: a part is stored, and another one is asked for', async () => {
    const target = strata.target()
    const part = (first: number, body: string) => ({
      status: 206,
      fields: [...fresh, ['ETag', '"1"'], ['Content-Range', `bytes ${first}-${first + 1}/9`]] as [
        string,
        string,
      ][],
      body,
    })
    strata.origin.script(target, part(0, 'ab'), part(4, 'ef'))
    await strata.get(target, ['Range', 'bytes=0-1'])
    const answer = await strata.get(target, ['Range', 'bytes=4-5'])
    expect(own(answer).parameters).toMatchObject({ fwd: 'partial', 'fwd-status': 206 })
  })

  test('bypass: preconditions that are for the origin to evaluate', async () => {
    const target = strata.target()
    strata.origin.script(target, { status: 412 })
    const answer = await strata.get(target, ['If-Match', '"1"'])
    expect(own(answer).parameters).toMatchObject({ fwd: 'bypass', 'fwd-status': 412, detail: 'precondition' })
  })

  test('method', async () => {
    const target = strata.target()
    strata.origin.script(target, { fields: [] })
    const answer = await strata.send({ method: 'POST', target, body: 'x' })
    expect(own(answer).parameters).toMatchObject({ fwd: 'method' })
  })
})

test('what is not stored does not say stored', async () => {
  const target = strata.target()
  strata.origin.script(target, { fields: [['Cache-Control', 'no-store']] })
  expect(own(await strata.get(target)).parameters['stored']).not.toBe(true)
})

test("the origin's own member stays, before ours", async () => {
  const target = strata.target()
  strata.origin.script(target, { fields: [...fresh, ['Cache-Status', 'Inner; hit; ttl=5']] })
  const members = parseList((await strata.get(target)).field('Cache-Status') ?? '')
  expect(members.map(([name]) => String(name))[0]).toBe('Inner')
  expect(members).toHaveLength(2)
})

test('followers of one flight say collapsed', async () => {
  const target = strata.target()
  let release = (): void => {}
  const held = new Promise<void>(resolve => (release = resolve))
  strata.origin.script(target, { fields: fresh, body: 'shared', after: held })
  const leader = strata.get(target)
  await strata.origin.asked(target, 1)
  const follower = strata.get(target)
  setTimeout(release, 200)
  const answers = await Promise.all([leader, follower])
  expect(answers.map(answer => answer.body.toString())).toEqual(['shared', 'shared'])
  expect(strata.times(target)).toBe(1)
  expect(own(answers[0]).parameters['collapsed']).not.toBe(true)
  // A follower that came after the flight's end was a hit; which of the two it was is the machine's speed.
  const { collapsed, hit } = own(answers[1]).parameters
  expect(collapsed === true || hit === true).toBe(true)
})
