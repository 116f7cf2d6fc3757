import { describe, expect, test } from '@jest/globals'
import { httpDate, proxiedOrigin } from './proxied-origin.js'

/** RFC 9110 §13, §14 and RFC 9111 §4.3.2, answered from the cache. */
const strata = proxiedOrigin()

const modified = httpDate(-3600)
const body = '0123456789'

/** A target whose fresh response is stored. */
async function stored(...more: [string, string][]): Promise<string> {
  const target = strata.target()
  const fields: [string, string][] = [
    ['Cache-Control', 'max-age=60'],
    ['ETag', '"a"'],
    ['Last-Modified', modified],
    ...more,
  ]
  strata.origin.script(target, { fields, body })
  await strata.get(target)
  return target
}

describe('If-None-Match and If-Modified-Since', () => {
  test.each<[string, [string, string][], number]>([
    ['a match', [['If-None-Match', '"a"']], 304],
    ['a weak match', [['If-None-Match', 'W/"a"']], 304],
    ['one of a list', [['If-None-Match', '"x", "a"']], 304],
    [
      'one on a second line',
      [
        ['If-None-Match', '"x"'],
        ['If-None-Match', '"a"'],
      ],
      304,
    ],
    ['any', [['If-None-Match', '*']], 304],
    ['none', [['If-None-Match', '"x"']], 200],
    ['not modified since', [['If-Modified-Since', modified]], 304],
    ['modified since', [['If-Modified-Since', httpDate(-7200)]], 200],
    ['no date', [['If-Modified-Since', 'yesterday']], 200],
    [
      'If-None-Match wins where it does not match',
      [
        ['If-None-Match', '"x"'],
        ['If-Modified-Since', modified],
      ],
      200,
    ],
    [
      'If-None-Match wins where it matches',
      [
        ['If-None-Match', '"a"'],
        ['If-Modified-Since', httpDate(-7200)],
      ],
      304,
    ],
  ])('%s', async (_name, fields, status) => {
    const target = await stored(['Vary', 'X'], ['Content-Location', '/there'])
    const answer = await strata.get(target, ...fields)
    expect(answer.status).toBe(status)
    expect(strata.times(target)).toBe(1)
    if (status === 200) return expect(answer.body.toString()).toBe(body)
    // RFC 9110 §15.4.5: what a 304 must carry of what a 200 would have had.
    expect(answer.body).toHaveLength(0)
    expect(answer.field('ETag')).toBe('"a"')
    expect(answer.field('Cache-Control')).toBe('max-age=60')
    expect(answer.field('Vary')).toBe('X')
    expect(answer.field('Content-Location')).toBe('/there')
  })

  test('a stale response is validated first, and the 304 goes to a client whose validator matches', async () => {
    const target = strata.target()
    const confirmed: [string, string][] = [
      ['ETag', '"a"'],
      ['Cache-Control', 'max-age=60'],
    ]
    strata.origin.script(
      target,
      {
        fields: [
          ['Cache-Control', 'max-age=10'],
          ['Age', '20'],
          ['ETag', '"a"'],
        ],
        body,
      },
      { status: 304, fields: confirmed },
    )
    await strata.get(target)
    expect((await strata.get(target, ['If-None-Match', '"a"'])).status).toBe(304)
    expect((await strata.get(target)).body.toString()).toBe(body)
    expect(strata.times(target)).toBe(2)
  })
})

describe('Range and If-Range', () => {
  test.each<[string, [string, string][], number, string]>([
    ['first and last', [['Range', 'bytes=2-4']], 206, '234'],
    ['open end', [['Range', 'bytes=7-']], 206, '789'],
    ['suffix', [['Range', 'bytes=-2']], 206, '89'],
    ['beyond the end', [['Range', 'bytes=8-99']], 206, '89'],
    [
      'If-Range with the strong tag',
      [
        ['Range', 'bytes=0-1'],
        ['If-Range', '"a"'],
      ],
      206,
      '01',
    ],
    [
      'If-Range with another tag',
      [
        ['Range', 'bytes=0-1'],
        ['If-Range', '"x"'],
      ],
      200,
      body,
    ],
    [
      'If-Range with a weak tag never matches',
      [
        ['Range', 'bytes=0-1'],
        ['If-Range', 'W/"a"'],
      ],
      200,
      body,
    ],
    [
      'If-Range with another date',
      [
        ['Range', 'bytes=0-1'],
        ['If-Range', httpDate(-7200)],
      ],
      200,
      body,
    ],
    ['another unit is ignored', [['Range', 'lines=0-1']], 200, body],
    [
      'If-None-Match comes before Range',
      [
        ['Range', 'bytes=0-1'],
        ['If-None-Match', '"a"'],
      ],
      304,
      '',
    ],
  ])('%s', async (_name, fields, status, expected) => {
    const target = await stored()
    const answer = await strata.get(target, ...fields)
    expect([answer.status, answer.body.toString()]).toEqual([status, expected])
    expect(answer.field('Content-Range') !== undefined).toBe(status === 206)
    expect(strata.times(target)).toBe(1)
  })

  test('Content-Range names the part and the whole', async () => {
    const answer = await strata.get(await stored(), ['Range', 'bytes=2-4'])
    expect(answer.field('Content-Range')).toBe('bytes 2-4/10')
    expect(answer.field('Content-Length')).toBe('3')
  })

  test('a range that starts beyond the end: 416 with the length', async () => {
    const answer = await strata.get(await stored(), ['Range', 'bytes=10-'])
    expect([answer.status, answer.field('Content-Range')]).toEqual([416, 'bytes */10'])
  })

  test('several ranges: parts, or the whole body', async () => {
    const answer = await strata.get(await stored(), ['Range', 'bytes=0-1,4-5'])
    if (answer.status === 200) return expect(answer.body.toString()).toBe(body)
    expect(answer.status).toBe(206)
    expect(answer.field('Content-Type')).toMatch(/^multipart\/byteranges; boundary=/)
    expect(answer.body.toString()).toContain('Content-Range: bytes 4-5/10')
  })

  test('a part that was asked for is not stored as the whole', async () => {
    const target = strata.target()
    const part: [string, string][] = [
      ['Cache-Control', 'max-age=60'],
      ['ETag', '"a"'],
      ['Content-Range', 'bytes 0-1/10'],
    ]
    strata.origin.script(target, { status: 206, fields: part, body: '01' }, request =>
      request.headers.range === undefined
        ? {
            fields: [
              ['Cache-Control', 'max-age=60'],
              ['ETag', '"a"'],
            ],
            body,
          }
        : {
            status: 206,
            fields: [
              ['ETag', '"a"'],
              ['Content-Range', 'bytes 2-9/10'],
            ],
            body: '23456789',
          },
    )
    expect((await strata.get(target, ['Range', 'bytes=0-1'])).status).toBe(206)
    const whole = await strata.get(target)
    expect([whole.status, whole.body.toString()]).toEqual([200, body])
  })
})

test('HEAD is answered from a stored GET, without a body', async () => {
  const target = await stored()
  const answer = await strata.send({ method: 'HEAD', target })
  expect([answer.status, answer.complete, answer.field('Content-Length')]).toEqual([200, true, '10'])
  expect(strata.times(target)).toBe(1)
})
