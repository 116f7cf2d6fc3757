import { expect, test } from '@jest/globals'
import { httpDate, proxiedOrigin } from './proxied-origin.js'

/** Stored parts (RFC 9111 §3.3) and what must not be answered with one; and 304s that confirm something else. */
const strata = proxiedOrigin()

const PART = {
  status: 206,
  fields: [
    ['ETag', '"a"'],
    ['Cache-Control', 'max-age=60, stale-if-error=60'],
    ['Content-Range', 'bytes 0-4/10'],
  ] as [string, string][],
  body: '01234',
}

test('If-Range with another tag gets the whole, though the range lies in a stored part (RFC 9110 §13.1.5)', async () => {
  const target = strata.target()
  strata.origin.script(target, PART, { fields: [['ETag', '"a"']], body: '0123456789' })
  expect((await strata.get(target, ['Range', 'bytes=0-4'])).status).toBe(206)
  const held = await strata.get(target, ['Range', 'bytes=1-2'], ['If-Range', '"a"'])
  expect([held.status, held.body.toString()]).toEqual([206, '12'])
  const other = await strata.get(target, ['Range', 'bytes=1-2'], ['If-Range', '"b"'])
  expect([other.status, other.body.toString()]).toEqual([200, '0123456789'])
  expect(strata.times(target)).toBe(2)
})

test('a part does not stand in for an origin that fails: the failure passes, and the origin is asked once', async () => {
  const target = strata.target()
  strata.origin.script(target, PART, { status: 503, body: 'down' })
  await strata.get(target, ['Range', 'bytes=0-4'])
  const answer = await strata.get(target)
  expect([answer.status, answer.body.toString()]).toEqual([503, 'down'])
  expect(strata.times(target)).toBe(2)
})

test('a 304 with a tag that the stored response does not have confirms nothing (RFC 9111 §4.3.4)', async () => {
  const target = strata.target()
  strata.origin.script(
    target,
    {
      fields: [
        ['Last-Modified', httpDate(-1000)],
        ['Cache-Control', 'no-cache'],
      ],
      body: 'old',
    },
    { status: 304, fields: [['ETag', '"new"']] },
    {
      fields: [
        ['ETag', '"new"'],
        ['Cache-Control', 'max-age=60'],
      ],
      body: 'new',
    },
  )
  await strata.get(target)
  expect((await strata.get(target)).body.toString()).toBe('new')
  expect(strata.times(target)).toBe(3)
})

test('max-age in a request wants nothing stale, whatever window the response names (RFC 9111 §5.2.1.1)', async () => {
  const target = strata.target()
  const windowed: [string, string] = ['Cache-Control', 'max-age=60, stale-while-revalidate=600']
  strata.origin.script(
    target,
    { fields: [windowed, ['Age', '100']], body: 'old' },
    { fields: [windowed], body: 'new' },
  )
  await strata.get(target)
  expect((await strata.get(target, ['Cache-Control', 'max-age=600'])).body.toString()).toBe('new')
  expect(strata.times(target)).toBe(2)
})
