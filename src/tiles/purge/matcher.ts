import type { TileCriterion, TileSubject } from '../../engine/ports/index.js'
import { isStrataError } from '../../errors.js'
import { AreaIndex } from '../area/area-index.js'
import { areaOfBbox } from '../area/area.js'
import { boundsOf, isTileOf, setName, type MatrixSet, type Tile } from '../grid/matrix-set.js'
import { tileOfUrl, type Layers, type NamedLayer } from '../layer/layers.js'
import { readCriterion, type TileMark } from './criterion.js'
import { unpackTiles } from './tile-list.js'
import { TileSet } from './tile-set.js'

interface SetTile extends Tile {
  readonly set: MatrixSet
}

/**
 * A mark about tiles → a test of entries. Where it cannot be said (a layer or a matrix set that these settings do not have, a mark that a newer
 * version wrote) the answer is yes: what may be dead is not served.
 */
export function matcherOf(layers: Layers, criterion: TileCriterion): (entry: TileSubject) => boolean {
  const layer = layers.find(criterion.layer)
  const mark = layer === undefined ? undefined : read(criterion)
  if (layer === undefined || mark === undefined) return () => true
  const meets = testOf(layers, mark)
  const [first, last] = mark.zoom
  // An entry in memory is asked about again and again.
  const known = new WeakMap<TileSubject, boolean>()
  return entry => {
    let answer = known.get(entry)
    if (answer === undefined) {
      const tile = tileOfEntry(layers, layer, entry)
      answer = tile === 'unknown' || (tile !== undefined && tile.z >= first && tile.z <= last && meets(tile))
      known.set(entry, answer)
    }
    return answer
  }
}

/**
 * The tile of this layer that an entry is: as it was stored, else as its URL says by the layer's template of now. Undefined when it is none.
 */
export function tileOfEntry(
  layers: Layers,
  layer: NamedLayer,
  entry: TileSubject,
): SetTile | 'unknown' | undefined {
  const stored = entry.tile?.layer === layer.name ? entry.tile : undefined
  const set = stored === undefined ? undefined : layers.setNamed(stored.set)
  if (stored !== undefined && set !== undefined && isTileOf(set, stored)) {
    const { z, x, y } = stored
    return { set, z, x, y }
  }
  return tileOfUrl(layer, entry.url) ?? (stored === undefined ? undefined : 'unknown')
}

function read(criterion: TileCriterion): TileMark | undefined {
  try {
    return readCriterion(criterion)
  } catch (error) {
    if (isStrataError(error, 'STRATA_DECODE')) return undefined
    throw error
  }
}

function testOf(layers: Layers, mark: TileMark): (tile: SetTile) => boolean {
  if ('area' in mark) {
    const area = new AreaIndex(mark.area)
    return ({ set, ...tile }) => area.meets(boundsOf(set, tile))
  }
  const set = layers.setNamed(mark.set)
  const tiles = unpackTiles(mark.list)
  if (set === undefined || !tiles.every(tile => isTileOf(set, tile))) return () => true
  const listed = new TileSet(set, tiles, mark)
  // Tiles of the layer's other sets are not numbered alike: all that lie in the midst of these are hit.
  const bounds = tiles.map(tile => boundsOf(set, tile))
  const around = new AreaIndex(
    areaOfBbox([
      bounds.reduce((least, { west }) => Math.min(least, west), Infinity),
      bounds.reduce((least, { south }) => Math.min(least, south), Infinity),
      bounds.reduce((most, { east }) => Math.max(most, east), -Infinity),
      bounds.reduce((most, { north }) => Math.max(most, north), -Infinity),
    ]),
  )
  return tile => (setName(tile.set) === mark.set ? listed.has(tile) : around.meets(boundsOf(tile.set, tile)))
}
