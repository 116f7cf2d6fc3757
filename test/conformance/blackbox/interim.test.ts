import { expect, test } from '@jest/globals'
import { proxiedOrigin } from './proxied-origin.js'

/** RFC 9110 §15.2: a proxy forwards 1xx responses; RFC 9111 §3: only final ones are stored. */
const strata = proxiedOrigin()

const cacheable: [string, string][] = [['Cache-Control', 'max-age=60']]
const hints = { link: '</styles.css>; rel=preload; as=style', 'x-hint': 'early' }

const fieldsOf = (raw: readonly string[]): [string, string][] =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1]!] as [string, string]] : []))

test('102 and 103 reach the client in their order, with their fields, before the final response', async () => {
  const target = strata.target()
  strata.origin.script(target, {
    interim: [[102], [103, hints], [103, { link: '</late.js>; rel=preload; as=script' }]],
    fields: cacheable,
    body: 'final',
  })
  const { status, body, interim } = await strata.get(target)
  expect([status, body.toString()]).toEqual([200, 'final'])
  expect(interim.map(head => head.status)).toEqual([102, 103, 103])
  expect(Object.fromEntries(fieldsOf(interim[1]!.rawFields))).toMatchObject(hints)
  expect(fieldsOf(interim[2]!.rawFields)).toContainEqual(['link', '</late.js>; rel=preload; as=script'])
})

test('they come while the final response is still awaited', async () => {
  const target = strata.target()
  let release = (): void => {}
  const held = new Promise<void>(resolve => (release = resolve))
  strata.origin.script(target, { interim: [[103, hints]], fields: cacheable, body: 'final', after: held })
  // The origin goes on only when the client has the hints: a proxy that held them back would never end.
  const onData = (received: string): void => {
    if (/^HTTP\/1\.1 103 /.test(received)) release()
  }
  expect((await strata.send({ target, onData })).body.toString()).toBe('final')
})

test('they are not stored, and their fields are in no final response', async () => {
  const target = strata.target()
  strata.origin.script(
    target,
    { interim: [[102], [103, hints]], fields: cacheable, body: 'final' },
    { body: 'again' },
  )
  const [first, second] = [await strata.get(target), await strata.get(target)]
  expect(second.body.toString()).toBe('final')
  expect(second.interim).toEqual([])
  for (const answer of [first, second]) {
    expect(answer.field('Link')).toBeUndefined()
    expect(answer.field('X-Hint')).toBeUndefined()
  }
  expect(strata.times(target)).toBe(1)
})

test('no-store in the hints does not concern the final response', async () => {
  const target = strata.target()
  strata.origin.script(
    target,
    { interim: [[103, { ...hints, 'cache-control': 'no-store' }]], fields: cacheable, body: 'final' },
    { body: 'again' },
  )
  await strata.get(target)
  expect((await strata.get(target)).body.toString()).toBe('final')
})

test('they pass through in front of what is not stored, and of a revalidation', async () => {
  const [uncacheable, stale] = [strata.target(), strata.target()]
  strata.origin.script(uncacheable, { interim: [[103, hints]], fields: [['Cache-Control', 'no-store']] })
  expect((await strata.get(uncacheable)).interim).toHaveLength(1)
  strata.origin.script(
    stale,
    {
      fields: [
        ['Cache-Control', 'max-age=10'],
        ['Age', '20'],
        ['ETag', '"1"'],
      ],
      body: 'stored',
    },
    {
      interim: [[103, hints]],
      status: 304,
      fields: [
        ['ETag', '"1"'],
        ['Cache-Control', 'max-age=60'],
      ],
    },
  )
  await strata.get(stale)
  const answer = await strata.get(stale)
  expect([answer.status, answer.body.toString()]).toEqual([200, 'stored'])
  expect(answer.field('X-Hint')).toBeUndefined()
})
