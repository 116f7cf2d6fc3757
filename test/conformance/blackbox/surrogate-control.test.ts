import { expect, test } from '@jest/globals'
import { proxiedOrigin } from './proxied-origin.js'

/** Surrogate-Control (W3C Note "Edge Architecture") where it is asked for; that it counts only then is in targeted-fields. */
const strata = proxiedOrigin({ STRATA_HTTP_SURROGATE_DEVICE: 'strata' })

async function isReused(...fields: [string, string][]): Promise<boolean> {
  const target = strata.target()
  strata.origin.script(target, { fields, body: 'first' }, { fields, body: 'second' })
  await strata.get(target)
  return (await strata.get(target)).body.toString() === 'first'
}

test.each<[boolean, [string, string][]]>([
  [
    true,
    [
      ['Surrogate-Control', 'max-age=60'],
      ['Cache-Control', 'no-store'],
    ],
  ],
  [
    false,
    [
      ['Surrogate-Control', 'no-store'],
      ['Cache-Control', 'max-age=60'],
    ],
  ],
  [
    false,
    [
      ['Surrogate-Control', 'max-age=60;other'],
      ['Cache-Control', 'no-store'],
    ],
  ],
  [
    true,
    [
      ['Surrogate-Control', 'max-age=0, max-age=60;strata'],
      ['Cache-Control', 'no-store'],
    ],
  ],
  [
    true,
    [
      ['Surrogate-Control', 'max-age=60'],
      ['CDN-Cache-Control', 'no-store'],
    ],
  ],
  [
    false,
    [
      ['CDN-Cache-Control', 'no-store'],
      ['Cache-Control', 'max-age=60'],
    ],
  ],
])('reused: %s, %j', async (reused, fields) => {
  expect(await isReused(...fields)).toBe(reused)
})

test('the origin is told what is understood, and not what a client claims to be', async () => {
  const target = strata.target()
  strata.origin.script(target, { fields: [['Surrogate-Control', 'max-age=60']] })
  await strata.get(target, ['Surrogate-Capability', 'evil="ESI/1.0"'])
  const [request] = strata.origin.requests(target)
  expect(request!.headers['surrogate-capability']).toBe('strata="Surrogate/1.0"')
})

test('the field is for surrogates: clients do not see it, from origin or cache', async () => {
  const target = strata.target()
  strata.origin.script(target, { fields: [['Surrogate-Control', 'max-age=60']], body: 'x' })
  for (const _ of [1, 2]) expect((await strata.get(target)).values('Surrogate-Control')).toEqual([])
  expect(strata.times(target)).toBe(1)
})
