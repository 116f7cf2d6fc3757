import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { PNG } from 'pngjs'
import { Fence } from '../../../src/engine/fence/fence.js'
import { newMark } from '../../../src/engine/fence/mark.js'
import type { MetadataStore } from '../../../src/engine/ports/index.js'
import { systemTimers } from '../../../src/engine/timers.js'
import { memoryMetadataStore } from '../../../src/stores/memory/index.js'
import { areaOfBbox } from '../../../src/tiles/area/area.js'
import { coverageImage } from '../../../src/tiles/census/coverage-image.js'
import { CoverageReports, type CoverageReport } from '../../../src/tiles/census/coverage-reports.js'
import { TileTable } from '../../../src/tiles/census/tile-table.js'
import { Layers } from '../../../src/tiles/layer/layers.js'
import { writeCriterion } from '../../../src/tiles/purge/criterion.js'
import { tileBook } from '../../../src/tiles/tile-book.js'
import { sampleKey, storeEntry, T0 } from '../../support/entries.js'

const layers = new Layers(
  [
    {
      match: '/**',
      layer: { template: '/{layer}/{z}/{x}/{y}', matrixSet: ['WebMercatorQuad', 'WorldCRS84Quad'] },
    },
  ],
  { matrixSets: [] },
)
const base = layers.find('base')!

async function counted(metadata: MetadataStore = memoryMetadataStore(), waitMs = 60_000) {
  const fence = new Fence(metadata, {
    maxMarks: 64,
    onReset: () => {},
    onMarks: () => {},
    tiles: tileBook(layers),
  })
  await fence.load()
  const clock = { now: () => T0 + 1000, monotonic: () => 0 }
  const reports = new CoverageReports({
    ...{ metadata, fence, layers, clock, timers: systemTimers, pace: 1, waitMs },
    freshUntil: entry => (entry.tags.includes('stale') ? T0 : T0 + 60_000),
  })
  const put = (z: number, x: number, y: number, more: object = {}) =>
    storeEntry(metadata, {
      key: sampleKey(`${z}/${x}/${y}${JSON.stringify(more)}`),
      url: `http://h/base/${z}/${x}/${y}`,
      ...more,
    })
  const report = async (query: { zoom: number; bbox?: number[]; cell?: number }) => {
    const found = await reports.report(base, query)
    if ('state' in found) throw new Error('it is still counting')
    return found
  }
  return { fence, reports, put, report }
}

describe('coverage', () => {
  test('counts tiles by cell, each once, and says which are fresh', async () => {
    const { put, report } = await counted()
    await put(3, 0, 0)
    await put(3, 1, 1, { variant: 'webp' })
    await put(3, 1, 1, { tags: ['stale'] })
    await put(3, 7, 7, { tags: ['stale'] })
    await put(3, 7, 6, { status: 404 })
    await put(4, 0, 0)
    await put(3, 2, 2, { url: 'http://h/other/3/2/2' })
    expect(await report({ zoom: 3, cell: 1 })).toMatchObject({
      ...{
        layer: 'base',
        zoom: 3,
        cellZoom: 1,
        asOf: new Date(T0 + 1000).toISOString(),
        outdated: false,
        complete: true,
      },
      total: { tiles: 64, cached: 3, fresh: 2, stale: 1 },
      cells: [
        { z: 1, x: 0, y: 0, tiles: 16, cached: 2, fresh: 2, stale: 0 },
        { z: 1, x: 1, y: 1, tiles: 16, cached: 1, fresh: 0, stale: 1 },
      ],
    })
  })

  test('is right after a purge, and after a soft one', async () => {
    const { put, report, fence } = await counted()
    for (let x = 0; x < 8; x++) await put(3, x, 0)
    expect((await report({ zoom: 3 })).total).toMatchObject({ cached: 8, fresh: 8 })
    const purge = (west: number, east: number, soft: boolean) => {
      const area = areaOfBbox([west, 80, east, 85])
      return fence.invalidate([
        newMark({ tiles: writeCriterion({ layer: 'base', zoom: [0, 22], area }) }, { soft, at: T0 }),
      ])
    }
    await purge(1, 44, false)
    await purge(46, 89, true)
    const after = await report({ zoom: 3 })
    expect(after.total).toMatchObject({ cached: 7, fresh: 6, stale: 1 })
    expect(after.outdated).toBe(false)
  })

  test('counts the tiles of a box, over the antimeridian too, in the order of the map', async () => {
    const { put, report } = await counted()
    for (const x of [0, 1, 8, 14, 15]) await put(4, x, 7)
    const found = await report({ zoom: 4, bbox: [160, 1, -160, 20], cell: 4 })
    expect(found.total).toEqual({ tiles: 2, cached: 2, fresh: 2, stale: 0 })
    expect(found.grid.columns).toEqual([15, 0])
  })

  test('cells and counts agree with going through all tiles', async () => {
    const places = fc.record({ x: fc.nat({ max: 63 }), y: fc.nat({ max: 63 }) })
    const box = fc.tuple(
      fc.double({ min: -180, max: 170, noNaN: true }),
      fc.double({ min: -80, max: 70, noNaN: true }),
      fc.double({ min: 0.1, max: 10, noNaN: true }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(places, { maxLength: 40 }),
        box,
        fc.integer({ min: 0, max: 6 }),
        async (some, [west, south, size], cell) => {
          const { put, report } = await counted()
          for (const { x, y } of some) await put(6, x, y)
          const bbox = [west, south, west + size, south + size]
          const { cells, total } = await report({ zoom: 6, bbox, cell })
          const set = base.layer.set.matrices[6]!
          const inBox = (x: number, y: number) => {
            const bounds = set.bounds(x, y)
            return (
              bounds.west <= bbox[2]! &&
              bounds.east >= bbox[0]! &&
              bounds.south <= bbox[3]! &&
              bounds.north >= bbox[1]!
            )
          }
          const there = new Set(some.filter(({ x, y }) => inBox(x, y)).map(({ x, y }) => `${x}/${y}`))
          let possible = 0
          for (let i = 0; i < 4096; i++) if (inBox(i % 64, i >> 6)) possible++
          expect(total).toMatchObject({ cached: there.size, tiles: possible })
          expect(cells.reduce((sum, { cached }) => sum + cached, 0)).toBe(there.size)
          for (const { x, y, cached } of cells) {
            const factor = 2 ** (6 - cell)
            const own = [...there].filter(name => {
              const [tx, ty] = name.split('/').map(Number)
              return Math.floor(tx! / factor) === x && Math.floor(ty! / factor) === y
            })
            expect(cached).toBe(own.length)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  test('an image has a pixel for each cell: green, orange, or clear', async () => {
    const { put, report } = await counted()
    await put(3, 1, 2)
    await put(3, 6, 5, { tags: ['stale'] })
    const { grid, cells } = (await report({ zoom: 3, cell: 3 })) satisfies CoverageReport
    const { width, height, data } = PNG.sync.read(coverageImage(grid, cells))
    const pixel = (x: number, y: number) => [...data.subarray(4 * (8 * y + x), 4 * (8 * y + x) + 4)]
    expect([width, height]).toEqual([8, 8])
    expect([pixel(1, 2), pixel(6, 5), pixel(0, 0)]).toEqual([
      [46, 125, 50, 255],
      [239, 140, 0, 255],
      [0, 0, 0, 0],
    ])
  })

  test('until the first count is there, it says how far it is', async () => {
    const store = memoryMetadataStore()
    const { reports, put } = await counted(store, 0)
    await put(3, 1, 2)
    let go = () => {}
    const list = store.list.bind(store)
    const held = new Promise<void>(resolve => (go = resolve))
    store.list = async (...args) => {
      await held
      return list(...args)
    }
    expect(await reports.report(base, { zoom: 3 })).toEqual({ state: 'counting', examined: 0, total: 1 })
    go()
    await reports.stop()
  })

  test('a store that fails is told', async () => {
    const store = memoryMetadataStore()
    const { reports } = await counted(store)
    store.list = () => Promise.reject(new Error('gone'))
    await expect(reports.report(base, { zoom: 3 })).rejects.toMatchObject({
      code: 'STRATA_STORE_UNAVAILABLE',
    })
  })

  test.each([
    [{ zoom: 99 }, 'from 0 to 30'],
    [{ zoom: 3, cell: 4 }, 'from 0 to zoom (3)'],
    [{ zoom: 12, cell: 12 }, 'makes 16777216 cells: at most 65536'],
    [{ zoom: 3, bbox: [0, 86, 1, 87] }, 'has no tiles of WebMercatorQuad'],
    [{ zoom: 3, bbox: [0, 1, 2, NaN] }, 'must be [west, south, east, north]'],
  ])('what cannot be counted is refused', async (query, message) => {
    const { reports } = await counted()
    await expect(reports.report(base, query)).rejects.toThrow(message)
  })

  test('a table keeps each tile once, however many there are', () => {
    const place = fc.record({ x: fc.nat({ max: 4_000_000 }), y: fc.nat({ max: 4_000_000 }), until: fc.nat() })
    fc.assert(
      fc.property(fc.array(place, { maxLength: 500 }), places => {
        const table = new TileTable()
        const expected = new Map<string, number>()
        for (const { x, y, until } of [...places, ...places.slice(0, 50)]) {
          table.add(x, y, 2 ** 22, until)
          expected.set(`${x}/${y}`, Math.max(until, expected.get(`${x}/${y}`) ?? 0))
        }
        const found = new Map<string, number>()
        table.forEach(2 ** 22, (x, y, until) => found.set(`${x}/${y}`, until))
        expect(found).toEqual(expected)
        expect(table.size).toBe(expected.size)
      }),
      { numRuns: 200 },
    )
  })
})
