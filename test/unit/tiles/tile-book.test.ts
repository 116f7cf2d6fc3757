import { describe, expect, test } from '@jest/globals'
import type { PolicyRule } from '../../../src/http/policy-rule.js'
import type { TileRef } from '../../../src/engine/ports/index.js'
import type { LayerSettings, RuleSettings } from '../../../src/engine/settings.js'
import { Layers } from '../../../src/tiles/layer/layers.js'
import { tileBook } from '../../../src/tiles/tile-book.js'

const POLICY: PolicyRule = {
  ttl: 100,
  overrideTtl: 200,
  besideSharedMaxAge: false,
  isImplicit: () => true,
  targetedFields: [],
  heuristicFraction: 0.1,
  heuristicMax: 100,
}

function ruled(layer: Partial<LayerSettings> = {}) {
  const rule: RuleSettings = { match: '/**', layer: { name: 'base', template: '/{z}/{x}/{y}', ...layer } }
  return tileBook(new Layers([rule], { matrixSets: [] })).ofRule(rule)!
}

const policyAt = (layer: Partial<LayerSettings>, url = 'http://h/5/1/2', status = 200) =>
  ruled(layer).policyFor(POLICY, { url, status })

describe('a rule with a layer', () => {
  test('has the freshness of the tile zoom, the first range that fits', () => {
    const zoomTtl = [
      { zoom: [0, 4], ttl: 1000 },
      { zoom: [5, 8], ttl: 500, overrideTtl: 600 },
      { zoom: [0, 30], ttl: 1 },
    ] as const
    const at = (url: string) => {
      const { ttl, overrideTtl } = policyAt({ zoomTtl }, url)
      return [ttl, overrideTtl]
    }
    expect([
      at('http://h/4/1/2'),
      at('http://h/8/1/2?a=1'),
      at('http://h/9/1/2'),
      at('http://h/page'),
    ]).toEqual([
      [1000, 200],
      [500, 600],
      [1, 200],
      [100, 200],
    ])
  })

  test('keeps that there is no tile for as long as it says, whatever overrides others', () => {
    const layer = { negativeTtl: 30 }
    for (const status of [204, 404]) {
      const { overrideTtl, statusTtl } = policyAt(layer, undefined, status)
      expect([overrideTtl, statusTtl?.[String(status)]]).toEqual([undefined, 30])
    }
    expect(policyAt(layer)).toMatchObject({ ttl: 100, overrideTtl: 200 })
  })

  test('shortens freshness by chance, by the same for one URL, spread over all of the part', () => {
    const of = (x: number) => policyAt({ ttlJitter: 0.5 }, `http://h/12/${x}/7`).ttl!
    const all = Array.from({ length: 500 }, (_, x) => of(x))
    expect(all.map((_, x) => of(x))).toEqual(all)
    expect(Math.min(...all)).toBeGreaterThanOrEqual(50)
    expect(Math.max(...all)).toBeLessThanOrEqual(100)
    for (const [low, high] of [
      [50, 60],
      [60, 75],
      [75, 90],
      [90, 101],
    ] as const)
      expect(all.filter(ttl => ttl >= low && ttl < high).length).toBeGreaterThan(50)
  })

  test('takes what tile servers send with a tile, and not what they send in place of one', () => {
    const { acceptsContentType } = ruled()
    const tiles = [
      'image/png',
      'image/webp',
      'application/vnd.mapbox-vector-tile',
      'application/x-protobuf',
      'application/octet-stream',
      '',
    ]
    const none = ['text/html', 'text/plain', 'text/xml', 'application/xml', 'application/vnd.ogc.se_xml']
    expect(tiles.map(type => acceptsContentType(type, 200))).toEqual(tiles.map(() => true))
    expect(none.map(type => acceptsContentType(type, 200))).toEqual(none.map(() => false))
    expect(none.map(type => acceptsContentType(type, 404))).toEqual(none.map(() => true))
  })

  test('serves tiles outside of it only if it is to ask the origin', () => {
    const tile = ruled().tileOf('/5/3/31', undefined) as TileRef
    expect(ruled().tileOf('/5/99/31', undefined)).toBe('none')
    expect(ruled().tileOf('/page', undefined)).toBeUndefined()
    expect([ruled().serves('none'), ruled({ outside: 'not-found' }).serves('none')]).toEqual([true, false])
    const extent = [-180, -60, 180, 85] as const
    expect(ruled({ extent }).serves(tile)).toBe(true)
    expect(ruled({ extent, outside: 'not-found' }).serves(tile)).toBe(false)
    expect(ruled({ maxZoom: 4, outside: 'not-found' }).serves({ ...tile, y: 3 })).toBe(false)
    expect(ruled({ extent, outside: 'not-found' }).serves({ ...tile, y: 3 })).toBe(true)
  })
})
