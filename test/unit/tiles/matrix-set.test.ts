import { describe, expect, test } from '@jest/globals'
import { tileToBBOX } from '@mapbox/tilebelt'
import fc from 'fast-check'
import { boundsOf, WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD } from '../../../src/tiles/grid/matrix-set.js'
import {
  faultOfMatrixSet,
  readMatrixSet,
  type OgcTileMatrixSet,
} from '../../../src/tiles/grid/ogc-matrix-set.js'

/** As the OGC registry has it, cut to the first zooms. */
const REGISTERED: OgcTileMatrixSet = {
  id: 'Mercator',
  crs: 'http://www.opengis.net/def/crs/EPSG/0/3857',
  orderedAxes: ['X', 'Y'],
  tileMatrices: [
    [559082264.028717, 156543.033928041],
    [279541132.014358, 78271.5169640204],
    [139770566.007179, 39135.7584820102],
  ].map(([scaleDenominator, cellSize], z) => ({
    id: String(z),
    scaleDenominator,
    cellSize,
    pointOfOrigin: [-20037508.3427892, 20037508.3427892],
    tileWidth: 256,
    tileHeight: 256,
    matrixWidth: 2 ** z,
    matrixHeight: 2 ** z,
  })),
}

const tiles = fc
  .integer({ min: 0, max: 24 })
  .chain(z =>
    fc.record({ z: fc.constant(z), x: fc.nat({ max: 2 ** z - 1 }), y: fc.nat({ max: 2 ** z - 1 }) }),
  )

describe('tile matrix sets', () => {
  test('WebMercatorQuad is the grid of web maps', () => {
    fc.assert(
      fc.property(tiles, tile => {
        const { west, south, east, north } = boundsOf(WEB_MERCATOR_QUAD, tile)
        const expected = tileToBBOX([tile.x, tile.y, tile.z])
        for (const [i, value] of [west, south, east, north].entries())
          expect(value).toBeCloseTo(expected[i]!, 11)
      }),
      { numRuns: 300 },
    )
  })

  test('WorldCRS84Quad has two tiles at zoom 0', () => {
    expect(boundsOf(WORLD_CRS84_QUAD, { z: 0, x: 1, y: 0 })).toEqual({
      west: 0,
      south: -90,
      east: 180,
      north: 90,
    })
    expect(boundsOf(WORLD_CRS84_QUAD, { z: 1, x: 3, y: 1 })).toEqual({
      west: 90,
      south: -90,
      east: 180,
      north: 0,
    })
  })

  test('tiles that share an edge share its exact number, across zooms too', () => {
    fc.assert(
      fc.property(tiles, fc.constantFrom(WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD), ({ z, x, y }, set) => {
        const [outer, inner] = [
          set.matrices[z]!.bounds(x, y),
          set.matrices[z + 1]!.bounds(2 * x + 1, 2 * y + 1),
        ]
        expect([inner.east, inner.south]).toEqual([outer.east, outer.south])
        expect(set.matrices[z]!.west(x + 1)).toBe(outer.east)
        expect(set.matrices[z]!.north(y + 1)).toBe(outer.south)
      }),
      { numRuns: 300 },
    )
  })

  test('a registered definition of metres is the same grid, to the last digit', () => {
    const set = readMatrixSet(REGISTERED)
    for (const tile of [
      { z: 0, x: 0, y: 0 },
      { z: 2, x: 3, y: 1 },
      { z: 2, x: 0, y: 3 },
    ])
      expect(boundsOf(set, tile)).toEqual(boundsOf(WEB_MERCATOR_QUAD, tile))
  })

  test('a set that lists latitude first, and one that counts rows from the south', () => {
    const matrix = {
      id: '0',
      cellSize: 0.703125,
      tileWidth: 256,
      tileHeight: 256,
      matrixWidth: 2,
      matrixHeight: 1,
    }
    const crs = 'http://www.opengis.net/def/crs/EPSG/0/4326'
    const latitudeFirst = readMatrixSet({
      id: 'a',
      crs,
      tileMatrices: [{ ...matrix, pointOfOrigin: [90, -180] }],
    })
    expect(boundsOf(latitudeFirst, { z: 0, x: 1, y: 0 })).toEqual(
      boundsOf(WORLD_CRS84_QUAD, { z: 0, x: 1, y: 0 }),
    )
    const fromSouth = readMatrixSet({
      id: 'b',
      crs: 'OGC:CRS84',
      tileMatrices: [
        {
          ...matrix,
          cellSize: 0.3515625,
          matrixWidth: 4,
          matrixHeight: 2,
          pointOfOrigin: [-180, -90],
          cornerOfOrigin: 'bottomLeft',
        },
      ],
    })
    expect(boundsOf(fromSouth, { z: 0, x: 0, y: 0 })).toEqual({ west: -180, south: -90, east: -90, north: 0 })
  })

  test.each([
    [{ ...REGISTERED, crs: 'EPSG:2056' }, 'EPSG:2056'],
    [{ ...REGISTERED, tileMatrices: [...REGISTERED.tileMatrices].reverse() }, 'coarse to fine'],
    [
      { ...REGISTERED, tileMatrices: [{ ...REGISTERED.tileMatrices[0]!, variableMatrixWidths: [{}] }] },
      'variableMatrixWidths',
    ],
  ])('a definition that cannot be used is refused', (definition, reason) => {
    expect(faultOfMatrixSet(definition)).toContain(reason)
  })
})
