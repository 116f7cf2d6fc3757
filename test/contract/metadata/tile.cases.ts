import { beforeEach, describe, expect, test } from '@jest/globals'
import { Fence } from '../../../src/engine/fence/fence.js'
import { newMark } from '../../../src/engine/fence/mark.js'
import type { MetadataStore, TileRef } from '../../../src/engine/ports/index.js'
import { areaOfBbox, type Bbox } from '../../../src/tiles/area/area.js'
import { Layers } from '../../../src/tiles/layer/layers.js'
import { writeCriterion } from '../../../src/tiles/purge/criterion.js'
import { planTiles } from '../../../src/tiles/purge/request.js'
import { tileBook } from '../../../src/tiles/tile-book.js'
import { sampleEntry, sampleKey, storeEntry, T0 } from '../../support/entries.js'
import type { Current } from '../metadata-store.suite.js'

const layers = new Layers([{ match: '/**', layer: { name: 'base', template: '/{z}/{x}/{y}.png' } }], {
  matrixSets: [],
})
const base = layers.find('base')!

/** Map tiles, and marks about areas of them. */
export function tileCases(current: Current): void {
  let store: MetadataStore
  beforeEach(() => {
    store = current().store
  })
  const open = async () => {
    const fence = new Fence(store, {
      maxMarks: 64,
      onReset: () => {},
      onMarks: () => {},
      tiles: tileBook(layers),
    })
    await fence.load()
    return fence
  }
  const put = (
    z: number,
    x: number,
    y: number,
    tile: TileRef | undefined = { layer: 'base', set: 'WebMercatorQuad', z, x, y },
  ) =>
    storeEntry(store, {
      key: sampleKey(`${z}/${x}/${y}`),
      url: `http://tiles.example/${z}/${x}/${y}.png`,
      ...(tile === undefined ? {} : { tile }),
    })
  const verdict = async (fence: Fence, name: string) => {
    const { entries } = await fence.lookup(sampleKey(name))
    return fence.verdict(entries[0]!)
  }
  const area = (bbox: Bbox, zoom: [number, number]) => ({
    tiles: writeCriterion({ layer: 'base', zoom, area: areaOfBbox(bbox) }),
  })

  describe('tiles', () => {
    test('an entry keeps which tile it is; one that is none keeps none', async () => {
      const tile = { layer: 'näm 1', set: 'Mine#abc', z: 22, x: 4_194_303, y: 1 }
      await storeEntry(store, { key: sampleKey('a'), tile })
      await storeEntry(store, { key: sampleKey('b') })
      expect((await store.lookup(sampleKey('a'))).entries[0]!.tile).toEqual(tile)
      expect((await store.lookup(sampleKey('b'))).entries[0]!.tile).toBeUndefined()
      const listed = await store.list(10)
      expect(listed.items.map(({ entry }) => entry.tile)).toContainEqual(tile)
    })

    test('an area mark holds for the tiles that meet it, as stored and as their URL says, on every node', async () => {
      await put(1, 0, 0)
      await put(6, 33, 22)
      await put(6, 33, 22 + 20, undefined)
      await put(7, 66, 44)
      const [here, there] = [await open(), await open()]
      await here.invalidate([newMark(area([5.9, 45.8, 10.5, 47.8], [0, 6]), { at: T0 })])
      await there.refresh()
      for (const fence of [here, there]) {
        expect(await verdict(fence, '6/33/22')).toBe('dead')
        expect(await verdict(fence, '6/33/42')).toBe('live')
        expect(await verdict(fence, '1/0/0')).toBe('live')
        expect(await verdict(fence, '7/66/44')).toBe('live')
      }
      await there.invalidate([newMark(area([-180, -90, 180, 0], [6, 6]), { at: T0, soft: true })])
      await here.refresh()
      expect(await verdict(here, '6/33/42')).toBe('soft')
    })

    test('what is fetched after it lives', async () => {
      const fence = await open()
      await fence.invalidate([newMark(area([-180, -90, 180, 90], [0, 22]), { at: T0 })])
      await put(6, 33, 22)
      expect(await verdict(fence, '6/33/22')).toBe('live')
    })

    test('a commit that began before it is refused', async () => {
      const fence = await open()
      const stamp = fence.state()
      await fence.invalidate([newMark(area([5.9, 45.8, 10.5, 47.8], [0, 22]), { at: T0 })])
      const entry = sampleEntry({ key: sampleKey('late'), url: 'http://tiles.example/6/33/22.png', stamp })
      await store.reserveBody(entry.body.id, T0)
      expect(await fence.commitChecked(entry, { maxVariants: 1 })).toEqual({ ok: false, reason: 'dead' })
    })

    test('the longest marks come back as they were, and count for what they are', async () => {
      const lines = Array.from(
        { length: 20_000 },
        (_, i) => `18/${(i * 7919) % 262_144}/${(i * 104_729) % 262_144}`,
      )
      const { criteria } = planTiles({ tiles: lines.join('\n') }, base)
      const fence = await open()
      await fence.invalidate(criteria.map(tiles => newMark({ tiles }, { at: T0 })))
      const other = await open()
      expect(other.marks().map(({ mark }) => mark)).toEqual(fence.marks().map(({ mark }) => mark))
      expect(other.marks()).toHaveLength(criteria.length)
      expect(other.weight).toBeGreaterThan(criteria.length)
      await put(18, 7919, 104_729)
      const { entries } = await other.lookup(sampleKey('18/7919/104729'))
      const before = { ...entries[0]!, stamp: { ...entries[0]!.stamp, seq: 0 } }
      expect(other.verdict(before)).toBe('dead')
      expect(other.verdict({ ...before, tile: { ...before.tile!, x: 7920 } })).toBe('live')
    })
  })
}
