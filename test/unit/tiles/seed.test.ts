import fc from 'fast-check'
import { describe, expect, test } from '@jest/globals'
import { FaultyRequest } from '../../../src/engine/fence/mark-faults.js'
import type { RuleSettings } from '../../../src/engine/settings.js'
import type { WarmItem, WarmSource } from '../../../src/engine/warm/source.js'
import { Layers } from '../../../src/tiles/layer/layers.js'
import { planSeed } from '../../../src/tiles/seed/seed-request.js'
import { seedSource } from '../../../src/tiles/seed/seed-source.js'

const RULES: RuleSettings[] = [
  { match: '/t/**', layer: { name: 'base', template: '/t/{z}/{x}/{y}.png', maxZoom: 8 } },
  {
    match: '/e/**',
    layer: { name: 'part', template: '/e/{z}/{x}/{y}.png', maxZoom: 8, extent: [0, 0, 90, 60] },
  },
  { match: '/w/**', layer: { name: 'wmts', template: '/w/{style}/{z}/{y}/{x}', maxZoom: 8 } },
]
const layers = new Layers(RULES, { matrixSets: [] })

function all(source: WarmSource, done = 0, after = ''): WarmItem[] {
  const items: WarmItem[] = []
  const iterator = source.from(done, after)
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) items.push(next.value)
  return items
}

const plan = (request: object, name = 'base') => planSeed(request, layers.find(name)!)

describe('what a seed comes to', () => {
  test('from any place on, the rest of the same order', async () => {
    const rectangle = fc.tuple(
      fc.double({ min: -180, max: 180, noNaN: true }),
      fc.double({ min: -85, max: 85, noNaN: true }),
      fc.double({ min: -180, max: 180, noNaN: true }),
      fc.double({ min: -85, max: 85, noNaN: true }),
      fc.nat({ max: 5 }),
      fc.nat(),
    )
    await fc.assert(
      fc.asyncProperty(rectangle, async ([west, a, east, b, zoom, place]) => {
        const bbox = [west, Math.min(a, b), east, Math.max(a, b)]
        const seed = await plan({ bbox, zoom: [0, zoom] })
        const source = seedSource(JSON.parse(JSON.stringify(seed)) as typeof seed, layers)
        const items = all(source)
        expect(items).toHaveLength(seed.total)
        expect(new Set(items.map(({ name }) => name)).size).toBe(seed.total)
        const done = place % seed.total
        const after = done === 0 ? '' : items[done - 1]!.name
        expect(all(source, done, after)).toEqual(items.slice(done))
        expect(source.named(items[done]!.name)).toEqual(items[done])
      }),
      { numRuns: 100 },
    )
  })

  test('a list keeps its place too, also over several texts', async () => {
    const tiles = Array.from({ length: 12_000 }, (_, i) => `8/${i % 256}/${Math.floor(i / 256) * 5}`)
    const seed = await plan({ tiles, zoom: [0, 8] })
    expect(seed.total).toBe(12_000)
    expect(seed.criteria.length).toBeGreaterThan(1)
    const source = seedSource(seed, layers)
    const items = all(source)
    expect(items).toHaveLength(12_000)
    expect(all(source, 11_000, items[10_999]!.name)).toEqual(items.slice(11_000))
  })

  test('the layer has the last word: zooms, extent, and what its template needs', async () => {
    expect((await plan({ bbox: [-180, -85, 180, 85], zoom: [0, 22] })).zooms).toEqual([0, 8])
    const part = await plan({ bbox: [-180, -85, 180, 85], zoom: 3 }, 'part')
    const items = all(seedSource(part, layers))
    expect(items.length).toBeLessThan(16)
    expect(items.every(({ url }) => url !== undefined)).toBe(true)
    const triangle = {
      type: 'Polygon',
      coordinates: [
        [
          [-50, -50],
          [80, 10],
          [10, 50],
          [-50, -50],
        ],
      ],
    }
    const odd = all(seedSource(await plan({ geometry: triangle, zoom: 4 }, 'part'), layers))
    expect(odd.some(({ url }) => url === undefined)).toBe(true)
    expect(odd.some(({ url }) => url !== undefined)).toBe(true)
    const styled = await plan({ bbox: [0, 0, 10, 10], zoom: 1, params: { style: 'day' } }, 'wmts')
    expect(all(seedSource(styled, layers)).map(({ url }) => url)).toContain('/w/day/1/0/1')
  })

  test.each([
    [{ bbox: [0, 0, 10, 10], zoom: [9, 12] }, 'base', 'zoom'],
    [{ bbox: [100, -50, 120, -20], zoom: 3 }, 'part', 'bbox'],
    [{ bbox: [0, 0, 10, 10], zoom: 1 }, 'wmts', 'params'],
    [{ tiles: ['3/1/1'], zoom: 2 }, 'base', 'tiles'],
    [{ tiles: ['3/1/1'], descendants: true }, 'base', 'ancestors'],
    [{ bbox: [0, 0, 10, 10], tile: '0/0/0' }, 'base', ''],
  ])('is wrong: %j of %s', async (request, name, path) => {
    const error = await plan(request, name).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(FaultyRequest)
    expect((error as FaultyRequest).faults[0]!.path).toBe(path)
  })
})
