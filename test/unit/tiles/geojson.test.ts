import { describe, expect, test } from '@jest/globals'
import { areaOfBbox, verticesOf } from '../../../src/tiles/area/area.js'
import { AreaIndex } from '../../../src/tiles/area/area-index.js'
import { MAX_VERTICES, readBbox, readGeometry } from '../../../src/tiles/area/geojson.js'
import { messageOf } from '../../../src/errors.js'

const square = (west: number, south: number, east: number, north: number) => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
]
const polygon = (...coordinates: number[][][]) => ({ type: 'Polygon', coordinates })
const at = (x: number, y: number) => ({ west: x, east: x, south: y, north: y })

function told(step: () => unknown): string {
  try {
    step()
  } catch (error) {
    return messageOf(error)
  }
  throw new Error('it was taken')
}

describe('a geometry', () => {
  test('may have holes; their borders belong to it', () => {
    const area = new AreaIndex(readGeometry(polygon(square(0, 0, 10, 10), square(2, 2, 8, 8))))
    expect([at(1, 1), at(5, 5), at(2, 5), at(11, 5)].map(point => area.meets(point))).toEqual([
      true,
      false,
      true,
      false,
    ])
  })

  test('may be cut at the antimeridian, or go on beyond it', () => {
    const cut = {
      type: 'MultiPolygon',
      coordinates: [[square(170, 0, 180, 10)], [square(-180, 0, -170, 10)]],
    }
    for (const geometry of [cut, polygon(square(170, 0, 190, 10)), polygon(square(-190, 0, -170, 10))]) {
      const area = new AreaIndex(readGeometry(geometry))
      expect([at(175, 5), at(-175, 5), at(0, 5), at(165, 5)].map(point => area.meets(point))).toEqual([
        true,
        true,
        false,
        false,
      ])
    }
  })

  test('may lie in a feature or a collection', () => {
    const feature = { type: 'Feature', properties: {}, geometry: polygon(square(0, 0, 1, 1)) }
    const area = readGeometry({ type: 'FeatureCollection', features: [feature, feature] })
    expect(area.polygons).toHaveLength(2)
  })

  test('polygons that overlap have no hole where they do', () => {
    const coordinates = [[square(0, 0, 10, 10)], [square(5, 5, 15, 15)]]
    expect(new AreaIndex(readGeometry({ type: 'MultiPolygon', coordinates })).meets(at(7, 7))).toBe(true)
  })

  test('with many vertices is made simpler, outward', () => {
    const count = 20_000
    const circle = Array.from({ length: count }, (_, i) => {
      const turn = (2 * Math.PI * i) / count
      return [10 * Math.cos(turn), 10 * Math.sin(turn)]
    })
    const area = readGeometry(polygon([...circle, circle[0]!]))
    expect(verticesOf(area)).toBeLessThanOrEqual(MAX_VERTICES)
    expect(area.margin).toBeLessThan(0.001)
    const index = new AreaIndex(area)
    for (const [x, y] of circle) expect(index.meets(at(x!, y!))).toBe(true)
  })

  test.each([
    [{ type: 'Point', coordinates: [0, 0] }, 'is "Point": there are Polygon and MultiPolygon'],
    [
      polygon([
        [0, 0],
        [10, 10],
        [10, 0],
        [0, 10],
        [0, 0],
      ]),
      'crosses itself',
    ],
    [polygon(square(0, 0, 0, 10)), 'encloses nothing'],
    [polygon(square(0, 0, 10, 91)), 'has latitude 91'],
    [polygon(square(170, 0, -170, 10)), 'cut the polygon at the antimeridian'],
    [polygon(square(0, 0, 600, 10)), 'has longitude 600'],
    [polygon(square(0, 0, 1, 1).slice(0, 4)), 'must end with the position'],
    [
      polygon([
        [0, 0],
        [1, 1],
        [0, 0],
      ]),
      'at least 4 positions',
    ],
    [polygon(square(0, 0, NaN, 1)), 'must be [longitude, latitude]'],
    [{ type: 'FeatureCollection', features: [] }, 'has no polygon in it'],
    [polygon(Array.from({ length: 100_002 }, (_, i) => [i / 1e4, 0])), 'at most 100000 are taken'],
  ])('that is none is told', (geometry, message) => {
    expect(told(() => readGeometry(geometry))).toContain(message)
  })

  test('of more polygons than can be kept is told with both numbers', () => {
    const coordinates = Array.from({ length: 400 }, (_, i) => [square(i / 4, 0, i / 4 + 0.1, 1)])
    expect(told(() => readGeometry({ type: 'MultiPolygon', coordinates }))).toMatch(
      /400 polygons.*1000.*1600/,
    )
  })
})

describe('a bounding box', () => {
  test('is an area', () => {
    expect(readBbox([1, 2, 3, 4])).toEqual(areaOfBbox([1, 2, 3, 4]))
  })

  test.each([
    [[1, 2, 3], 'must be [west, south, east, north]'],
    [[0, 0, 190, 10], 'has east 190'],
    [[0, 0, 10, 95], 'has north 95'],
    [[0, 20, 10, 10], 'has south 20 above north 10'],
    [['0', 0, 1, 1], 'must be [west, south, east, north]'],
  ])('%j is told', (box, message) => {
    expect(told(() => readBbox(box))).toContain(message)
  })
})
