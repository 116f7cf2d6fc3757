import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { areaOfBbox, type Area } from '../../../src/tiles/area/area.js'
import { AreaIndex } from '../../../src/tiles/area/area-index.js'
import { WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD, boundsOf } from '../../../src/tiles/grid/matrix-set.js'
import { simplifiedOutward } from '../../../src/tiles/area/simplify.js'
import { countTiles, tilesIn } from '../../../src/tiles/plan/tile-plan.js'
import { anyArea, slowlyMeets } from '../../support/areas.js'

const RUNS = { numRuns: 300 }
const sets = fc.constantFrom(WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD)

function everyTile(set: typeof WEB_MERCATOR_QUAD, z: number) {
  const { columns, rows } = set.matrices[z]!
  return Array.from({ length: columns * rows }, (_, i) => ({ z, x: i % columns, y: Math.floor(i / columns) }))
}

describe('an area and the tiles that meet it', () => {
  test('each tile is decided as an independent computation with whole numbers decides it', () => {
    fc.assert(
      fc.property(anyArea(), fc.integer({ min: 0, max: 5 }), fc.nat(), sets, (area, z, n, set) => {
        const index = new AreaIndex(area)
        const tiles = everyTile(set, z)
        for (const tile of tiles.filter((_, i) => (i + n) % Math.ceil(tiles.length / 40) === 0)) {
          const bounds = boundsOf(set, tile)
          expect({ tile, meets: index.meets(bounds) }).toEqual({ tile, meets: slowlyMeets(area, bounds) })
        }
      }),
      RUNS,
    )
  })

  test('the plan has exactly those tiles, none twice, and counts them', async () => {
    await fc.assert(
      fc.asyncProperty(anyArea(), sets, async (area, set) => {
        const index = new AreaIndex(area)
        const zooms = [0, 5] as const
        const expected = [0, 1, 2, 3, 4, 5].flatMap(z =>
          everyTile(set, z).filter(tile => index.meets(boundsOf(set, tile))),
        )
        const planned = [...tilesIn({ set, area: index, zooms })]
        const names = planned.map(({ z, x, y }) => `${z}/${x}/${y}`)
        expect(new Set(names).size).toBe(names.length)
        expect(new Set(names)).toEqual(new Set(expected.map(({ z, x, y }) => `${z}/${x}/${y}`)))
        expect(await countTiles({ set, area: index, zooms })).toBe(expected.length)
      }),
      RUNS,
    )
  })

  test('a plan goes on behind any tile that it has given', () => {
    fc.assert(
      fc.property(anyArea(), fc.nat(), (area, n) => {
        const scope = { set: WEB_MERCATOR_QUAD, area: new AreaIndex(area), zooms: [2, 5] as const }
        const all = [...tilesIn(scope)]
        if (all.length === 0) return
        const at = n % all.length
        expect([...tilesIn(scope, all[at])]).toEqual(all.slice(at + 1))
      }),
      RUNS,
    )
  })

  test('made simpler, it never loses a tile', () => {
    fc.assert(
      fc.property(anyArea(), fc.integer({ min: 12, max: 24 }), (area, most) => {
        const simple = simplifiedOutward(area, most)
        if (simple === undefined) return
        const [before, after] = [new AreaIndex(area), new AreaIndex(simple)]
        for (const tile of everyTile(WEB_MERCATOR_QUAD, 5)) {
          const bounds = boundsOf(WEB_MERCATOR_QUAD, tile)
          if (before.meets(bounds))
            expect({ tile, meets: after.meets(bounds) }).toEqual({ tile, meets: true })
        }
      }),
      RUNS,
    )
  })

  test('a box on tile borders meets its neighbours too: borders belong to both', () => {
    const box = boundsOf(WEB_MERCATOR_QUAD, { z: 3, x: 4, y: 3 })
    const area: Area = areaOfBbox([box.west, box.south, box.east, box.north])
    const found = [...tilesIn({ set: WEB_MERCATOR_QUAD, area: new AreaIndex(area), zooms: [3, 3] })]
    expect(found).toHaveLength(9)
  })

  test('a box over the antimeridian meets tiles on both sides of it', () => {
    const area = new AreaIndex(areaOfBbox([170, -10, -170, 10]))
    const columns = [...tilesIn({ set: WEB_MERCATOR_QUAD, area, zooms: [4, 4] })].map(({ x }) => x)
    expect([...new Set(columns)].sort((a, b) => a - b)).toEqual([0, 15])
  })

  test('a world at zoom 22 is counted without looking at its tiles', async () => {
    const area = new AreaIndex(areaOfBbox([-180, -90, 180, 90]))
    const count = await countTiles({ set: WEB_MERCATOR_QUAD, area, zooms: [0, 22] })
    expect(count).toBe((4 ** 23 - 1) / 3)
  })
})
