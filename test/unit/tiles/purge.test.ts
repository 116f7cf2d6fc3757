import { describe, expect, test } from '@jest/globals'
import { getParent, tileToBBOX, type Tile as BeltTile } from '@mapbox/tilebelt'
import fc from 'fast-check'
import { Fence } from '../../../src/engine/fence/fence.js'
import { newMark } from '../../../src/engine/fence/mark.js'
import { messageOf } from '../../../src/errors.js'
import { memoryMetadataStore } from '../../../src/stores/memory/index.js'
import { boundsOf, WEB_MERCATOR_QUAD } from '../../../src/tiles/grid/matrix-set.js'
import { Layers } from '../../../src/tiles/layer/layers.js'
import { readCriterion, writeCriterion } from '../../../src/tiles/purge/criterion.js'
import { planTiles, type TileRequest } from '../../../src/tiles/purge/request.js'
import { inPackingOrder, packTiles, unpackTiles } from '../../../src/tiles/purge/tile-list.js'
import { tileBook } from '../../../src/tiles/tile-book.js'
import { anyArea, slowlyMeets } from '../../support/areas.js'
import { sampleEntry, T0 } from '../../support/entries.js'

const RUNS = { numRuns: 200 }
const layers = new Layers(
  [
    { match: '/**', layer: { name: 'base', template: '/base/{z}/{x}/{y}.png', maxZoom: 22 } },
    { match: '/**', layer: { template: '/more/{layer}/{z}/{x}/{y}' } },
    {
      match: '/**',
      layer: {
        name: 'both',
        template: '/{tms}/{z}/{x}/{y}',
        matrixSet: ['WebMercatorQuad', 'WorldCRS84Quad'],
      },
    },
  ],
  { matrixSets: [] },
)
const base = layers.find('base')!

const tiles = fc
  .integer({ min: 0, max: 22 })
  .chain(z =>
    fc.record({ z: fc.constant(z), x: fc.nat({ max: 2 ** z - 1 }), y: fc.nat({ max: 2 ** z - 1 }) }),
  )

async function openFence() {
  const fence = new Fence(memoryMetadataStore(), {
    maxMarks: 1000,
    onReset: () => {},
    onMarks: () => {},
    tiles: tileBook(layers),
  })
  await fence.load()
  return fence
}

/** An entry fetched now. */
function entryOf(fence: Fence, { z, x, y }: { z: number; x: number; y: number }, isKnown: boolean) {
  const tile = isKnown ? { tile: { layer: 'base', set: 'WebMercatorQuad', z, x, y } } : {}
  return sampleEntry({ url: `http://h/base/${z}/${x}/${y}.png`, stamp: fence.state(), ...tile })
}

function planned(request: TileRequest, layer = base) {
  return planTiles(request, layer).criteria
}

function told(request: TileRequest): string {
  try {
    planned(request)
  } catch (error) {
    return messageOf(error)
  }
  throw new Error('it was taken')
}

describe('invalidation of tiles', () => {
  test('a tile is dead after an area purge exactly if its bounds meet the area', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyArea(),
        fc.array(tiles, { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        async (area, some, isKnown) => {
          const fence = await openFence()
          const entries = some.map(tile => ({ tile, entry: entryOf(fence, tile, isKnown) }))
          await fence.invalidate([
            newMark({ tiles: writeCriterion({ layer: 'base', zoom: [0, 22], area }) }, { at: T0 }),
          ])
          for (const { tile, entry } of entries) {
            const meets = slowlyMeets(area, boundsOf(WEB_MERCATOR_QUAD, tile))
            expect({ tile, verdict: fence.verdict(entry) }).toEqual({
              tile,
              verdict: meets ? 'dead' : 'live',
            })
            expect(fence.mayStandBetween(entry.stamp, { ...entry, anyQuery: false })).toBe(meets)
          }
        },
      ),
      RUNS,
    )
  })

  test('zooms outside of the range live', async () => {
    const fence = await openFence()
    const entries = [4, 5, 6, 7].map(z => entryOf(fence, { z, x: 0, y: 0 }, true))
    const criteria = planned({ bbox: [-180, -90, 180, 90], zoom: [5, 6] })
    await fence.invalidate(criteria.map(criterion => newMark({ tiles: criterion }, { at: T0 })))
    expect(entries.map(entry => fence.verdict(entry))).toEqual(['live', 'dead', 'dead', 'live'])
  })

  test('listed tiles with those above and below are dead, and no others', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(tiles, { minLength: 1, maxLength: 20 }),
        fc.array(tiles, { minLength: 1, maxLength: 10 }),
        fc.boolean(),
        fc.boolean(),
        async (list, others, ancestors, descendants) => {
          const fence = await openFence()
          // Relatives of those listed would hardly come up by chance.
          const some = [...others, ...list, ...list.flatMap(relatives)]
          const entries = some.map(tile => ({ tile, entry: entryOf(fence, tile, true) }))
          const lines = list.map(({ z, x, y }) => `${z}/${x}/${y}`).join('\n')
          const criteria = planned({ tiles: lines, ancestors, descendants })
          await fence.invalidate(criteria.map(criterion => newMark({ tiles: criterion }, { at: T0 })))
          for (const { tile, entry } of entries) {
            const hit = list.some(
              item =>
                isUnder(tile, item) === 'same' ||
                (descendants && isUnder(tile, item) === 'under') ||
                (ancestors && isUnder(item, tile) === 'under'),
            )
            expect({ tile, verdict: fence.verdict(entry) }).toEqual({ tile, verdict: hit ? 'dead' : 'live' })
          }
        },
      ),
      RUNS,
    )
  })

  test('lists come out of their texts as they went in, in pieces that are short enough', () => {
    fc.assert(
      fc.property(
        fc.array(tiles, { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 32, max: 400 }),
        (list, most) => {
          const names = new Map(list.map(tile => [`${tile.z}/${tile.x}/${tile.y}`, tile]))
          const inOrder = [...names.values()].sort(inPackingOrder)
          const texts = packTiles(inOrder, most)
          expect(texts.flatMap(unpackTiles)).toEqual(inOrder)
          for (const text of texts) expect(Buffer.from(text, 'base64').length).toBeLessThanOrEqual(most)
        },
      ),
      RUNS,
    )
  })

  test('areas come out of their marks to the last bit', () => {
    fc.assert(
      fc.property(anyArea(), area => {
        const mark = { layer: 'base', zoom: [0, 22] as const, area }
        expect(readCriterion(JSON.parse(JSON.stringify(writeCriterion(mark))))).toEqual(mark)
      }),
      RUNS,
    )
  })

  test('a mark of one layer lets the others be, also where one rule makes many', async () => {
    const fence = await openFence()
    const of = (url: string) => sampleEntry({ url: `http://h${url}`, stamp: fence.state() })
    const [roads, rails, other] = [of('/more/roads/1/0/0'), of('/more/rails/1/0/0'), of('/page')]
    const criteria = planned({ bbox: [-180, -90, 180, 90] }, layers.find('roads')!)
    await fence.invalidate(criteria.map(criterion => newMark({ tiles: criterion }, { at: T0 })))
    expect([roads, rails, other].map(entry => fence.verdict(entry))).toEqual(['dead', 'live', 'live'])
  })

  test('a stored tile counts where the template has changed, and the URL where the matrix set has', async () => {
    const fence = await openFence()
    const moved = sampleEntry({
      url: 'http://h/formerly/3/1/2',
      tile: { layer: 'base', set: 'WebMercatorQuad', z: 3, x: 1, y: 2 },
      stamp: fence.state(),
    })
    const regridded = sampleEntry({
      url: 'http://h/base/3/1/2.png',
      tile: { layer: 'base', set: 'Formerly', z: 3, x: 7, y: 7 },
      stamp: fence.state(),
    })
    const lost = { ...moved, tile: { ...moved.tile!, set: 'Formerly' } }
    const criteria = planned({ tile: '3/1/2' })
    await fence.invalidate(criteria.map(criterion => newMark({ tiles: criterion }, { at: T0 })))
    // Of the last nobody can say where it lies: it may be this tile.
    expect([moved, regridded, lost].map(entry => fence.verdict(entry))).toEqual(['dead', 'dead', 'dead'])
  })

  test('a mark about a layer that this node does not have is one about everything', async () => {
    const fence = await openFence()
    const entry = entryOf(fence, { z: 3, x: 1, y: 2 }, true)
    const criterion = { ...planned({ tile: '3/5/5' })[0]!, layer: 'unheard of' }
    const others = new Layers([], { matrixSets: [] })
    expect(tileBook(others).matcher(criterion)(entry)).toBe(true)
    // … and so is one that a newer version wrote.
    expect(tileBook(layers).matcher({ layer: 'base', zoom: [0, 5], shape: 'new' })(entry)).toBe(true)
    expect(tileBook(layers).matcher({ ...criterion, layer: 'base' })(entry)).toBe(false)
  })

  test('a list says nothing exact about tiles of another set: those in its midst are hit', async () => {
    const fence = await openFence()
    const of = (set: string, z: number, x: number, y: number) =>
      sampleEntry({ url: `http://h/${set}/${z}/${x}/${y}`, stamp: fence.state() })
    const [near, far] = [of('WorldCRS84Quad', 1, 2, 0), of('WorldCRS84Quad', 2, 0, 3)]
    const criteria = planned({ tiles: ['2/2/1'] }, layers.find('both')!)
    await fence.invalidate(criteria.map(criterion => newMark({ tiles: criterion }, { at: T0 })))
    expect([near, far].map(entry => fence.verdict(entry))).toEqual(['dead', 'live'])
  })

  test.each([
    [{}, 'says nothing about what to invalidate'],
    [{ bbox: [0, 0, 1, 1], tile: '1/0/0' }, 'gives bbox and tile'],
    [{ bbox: [0, 0, 1, 1], zoom: [0, 31] }, 'zoom: goes to 31: the layer has zooms 0 to 22'],
    [{ bbox: [0, 0, 1, 1], zoom: [5, 4] }, 'has its last (4) below its first (5)'],
    [{ bbox: [0, 0, 1, 1], zoom: 'all' }, 'must be a whole number, or [first, last]'],
    [{ tile: '3/8/0' }, 'zoom 3 of WebMercatorQuad has 8 columns and 8 rows'],
    [{ tile: { z: 99, x: 0, y: 0 } }, 'is at zoom 99: WebMercatorQuad goes to 30'],
    [{ tiles: '1/0/0\n# a comment\n1/0/2\n1/x/0' }, 'tiles[1]: is 1/0/2'],
    [{ tiles: '1/0/0\n1/x/0' }, 'tiles[1]: must be z/x/y'],
    [{ tiles: '\n\n' }, 'with one at least'],
    [{ tiles: Array.from({ length: 1_000_001 }, () => '0/0/0') }, 'lists 1000001 tiles: at most 1000000'],
    [{ bbox: [0, 0, 1, 1], matrixSet: 'Mine' }, 'is none of the layer: there are WebMercatorQuad'],
  ])('what cannot be meant is told', (request, message) => {
    expect(told(request)).toContain(message)
  })
})

interface Place {
  readonly z: number
  readonly x: number
  readonly y: number
}

function relatives({ z, x, y }: Place): Place[] {
  const found: Place[] = []
  if (z > 0) {
    const [px, py, pz] = getParent([x, y, z] as BeltTile)
    found.push({ z: pz, x: px, y: py })
  }
  if (z < 20) found.push({ z: z + 2, x: 4 * x + 3, y: 4 * y })
  if (x + 1 < 2 ** z) found.push({ z, x: x + 1, y })
  return found
}

/** By bounding boxes of another library. */
function isUnder(a: Place, b: Place): 'same' | 'under' | 'no' {
  if (a.z === b.z) return a.x === b.x && a.y === b.y ? 'same' : 'no'
  if (a.z < b.z) return 'no'
  const [w, s, e, n] = tileToBBOX([a.x, a.y, a.z])
  const [west, south, east, north] = tileToBBOX([b.x, b.y, b.z])
  const [x, y] = [(w + e) / 2, (s + n) / 2]
  return x > west && x < east && y > south && y < north ? 'under' : 'no'
}
