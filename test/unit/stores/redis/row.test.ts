import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Entry } from '../../../../src/engine/ports/index.js'
import { packBody, packName, unpackBody, unpackName } from '../../../../src/stores/redis/names.js'
import { readRows, rowParts } from '../../../../src/stores/redis/row.js'
import { terse, verbose } from '../../../../src/stores/redis/terse-fields.js'
import { sampleBody, sampleEntry, sampleKey, T0 } from '../../../support/entries.js'

const idText = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...'abcXYZ019_-'), minLength: min, maxLength: max })
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(b => Buffer.from(b).toString('base64url'))
const runs = { numRuns: 500 }

describe('names', () => {
  test('any name comes back as it was', () => {
    fc.assert(
      fc.property(fc.oneof(idText(0, 64), idText(31, 33), idText(43, 43), digest), text => {
        expect(unpackName(packName(text))).toBe(text)
        expect(unpackBody(packBody(text))).toBe(text)
        expect(unpackBody(packBody(`s-${text}`.slice(0, 64)))).toBe(`s-${text}`.slice(0, 64))
      }),
      runs,
    )
  })

  test('different names stay different', () => {
    fc.assert(
      fc.property(fc.oneof(idText(30, 45), digest), fc.oneof(idText(30, 45), digest), (a, b) => {
        expect(packName(a).equals(packName(b))).toBe(a === b)
        expect(packBody(`s-${a}`).equals(packBody(b))).toBe(`s-${a}` === b)
      }),
      runs,
    )
  })

  test('a digest takes 32 bytes', () => {
    expect(packName(sampleKey(1))).toHaveLength(32)
    expect(packBody(sampleBody('x').id)).toHaveLength(32)
    expect(packBody(sampleKey(1))).toHaveLength(43)
  })
})

describe('terse fields', () => {
  const known = fc.constantFrom('Content-Type', 'image/png', 'etag', 'Date', 'gzip', 'no-cache', 'GZIP')
  const date = fc.integer({ min: 0, max: 4_102_444_800 }).map(s => new Date(s * 1000).toUTCString())
  const control = fc.string({ unit: fc.constantFrom('\x01', '\x02', '\x03', '\x00', '0', 'a'), maxLength: 4 })
  const odd = fc.constantFrom(
    'Mon, 01 Jan 1990 00:00:00 GMT',
    'Sun, 01 Jan 2023 25:00:00 GMT',
    'Sat, 01 Jan 2023 00:00:00 GMT',
  )

  test('any field comes back letter by letter', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(known, date, control, odd, fc.string())), fields => {
        expect(verbose(terse(fields))).toEqual(fields)
      }),
      runs,
    )
  })

  test('what is common gets short', () => {
    const short = terse(['Content-Type', 'image/png', 'Date', 'Tue, 03 Nov 2026 10:00:00 GMT'])
    expect(short.join('').length).toBeLessThan(16)
  })
})

describe('rows', () => {
  const value = (entries: readonly Entry[]): Buffer =>
    Buffer.concat([
      Buffer.of(1),
      ...entries.map(entry => {
        const { variant, body, blob } = rowParts(entry)
        const head = Buffer.alloc(32)
        head.writeUIntBE(T0, 0, 6)
        head.writeUInt32BE(7, 6)
        head.writeUIntBE(entry.uselessAt, 10, 6)
        head.writeUIntBE(entry.responseTime, 16, 6)
        head.writeUIntBE(entry.body.size, 22, 5)
        head[27] = variant.length
        head[28] = body.length
        head.writeUIntBE(blob.length, 29, 3)
        return Buffer.concat([head, variant, body, blob])
      }),
    ])
  const large = {
    id: 'l-0123',
    size: 2 ** 32 + 5,
    digest: '',
    chunkSize: 65_536,
    checks: Buffer.from([1, 2, 3, 4]),
  }
  const empty = { id: '', size: 0, digest: 'of nothing', chunkSize: 0, checks: Buffer.alloc(0) }
  const entries = [
    sampleEntry({ variant: '' }),
    sampleEntry({ variant: sampleKey('v'), body: large, range: { first: 1, last: 5 } }),
    sampleEntry({ variant: 'w', body: empty, responseTime: T0 + 5, requestTime: T0 + 9 }),
  ]

  test('entries with shared, large and empty bodies come back as they were', () => {
    const rows = readRows(entries[0]!.key, value(entries))
    expect(
      rows.map(({ entry }) => ({
        ...entry,
        body: { ...entry.body, checks: Buffer.from(entry.body.checks) },
      })),
    ).toEqual(
      entries.map(entry => ({ ...entry, body: { ...entry.body, checks: Buffer.from(entry.body.checks) } })),
    )
    expect(rows[0]).toMatchObject({ hits: 7, lastAccess: T0 })
  })

  test('bytes cut or changed anywhere give other rows or none, and never an exception', () => {
    const good = value(entries)
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(good.length - 1), fc.nat(255), (cut, at, byte) => {
        const bad = Buffer.from(good)
        bad[at] = byte
        expect(readRows(sampleKey(1), bad.subarray(0, cut)).length).toBeLessThanOrEqual(3)
        expect(readRows(sampleKey(1), bad).length).toBeLessThanOrEqual(entries.length + good.length / 32)
      }),
      runs,
    )
  })
})
