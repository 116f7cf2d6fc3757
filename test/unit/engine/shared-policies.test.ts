import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { sharedPolicy } from '../../../src/engine/shared-policies.js'
import { policyFor } from '../../support/responses.js'

const tile = { 'Cache-Control': 'public, max-age=60', Vary: 'Accept-Encoding' }

describe('shared policies', () => {
  test('of responses that differ in their validators alone, there is one', () => {
    const a = sharedPolicy(policyFor({ ...tile, ETag: '"a"' }))
    const b = sharedPolicy(
      policyFor({ ...tile, ETag: '"b"', 'Last-Modified': 'Tue, 03 Nov 2026 08:00:00 GMT' }),
    )
    expect(a).toBe(b)
    expect(Object.keys(a)).not.toEqual(expect.arrayContaining(['etag']))
    expect(Object.keys(a)).not.toEqual(expect.arrayContaining(['lastModified']))
  })

  test('says what the policy of the response itself says, whatever came before it', () => {
    const directive = fc.constantFrom(
      ...[
        'public',
        'private',
        'no-cache',
        'no-store',
        'must-revalidate',
        'immutable',
        'max-age=60',
        'max-age=61',
      ],
      ...['s-maxage=5', 'stale-while-revalidate=7', 'stale-if-error=7', 'must-understand'],
    )
    const fields = fc.record(
      {
        'Cache-Control': fc.uniqueArray(directive, { maxLength: 3 }).map(all => all.join(', ')),
        'CDN-Cache-Control': fc.constantFrom('max-age=9', 'no-store', 'max-age=9, public'),
        Expires: fc.constantFrom('0', 'Tue, 03 Nov 2026 08:00:00 GMT'),
        'Last-Modified': fc.constantFrom(
          'Tue, 03 Nov 2026 08:00:00 GMT',
          'Mon, 02 Nov 2026 08:00:00 GMT',
          'x',
        ),
        ETag: fc.constantFrom('"a"', 'W/"b"'),
        Vary: fc.constantFrom('*', 'Accept', 'Accept, X-Y', 'Accept X-Y', 'X-Y', ''),
      },
      { requiredKeys: [] },
    )
    const rule = fc.record(
      {
        overrideTtl: fc.constantFrom(0, 60),
        ttl: fc.constantFrom(5, 60),
        staleIfError: fc.constantFrom(0, 7),
        targetedFields: fc.constant(['CDN-Cache-Control']),
      },
      { requiredKeys: [] },
    )
    const response = fc.record({ fields, rule, status: fc.constantFrom(200, 404, 599) })
    fc.assert(
      fc.property(fc.array(response, { minLength: 2, maxLength: 20 }), responses => {
        for (const { fields: own, rule: ruled, status } of responses) {
          const policy = policyFor(own, { status, rule: ruled })
          const { etag: _etag, lastModified: _modified, ...rest } = policy
          expect(sharedPolicy(policy)).toStrictEqual(rest)
          expect(sharedPolicy(policy).directives).toBe(policy.directives)
        }
      }),
      { numRuns: 300 },
    )
  })
})
