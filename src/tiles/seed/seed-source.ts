import type { WarmItem, WarmSource } from '../../engine/warm/source.js'
import { AreaIndex } from '../area/area-index.js'
import { isTileOf, type MatrixSet, type Tile } from '../grid/matrix-set.js'
import { tileUrl, type Layers } from '../layer/layers.js'
import { tilesIn } from '../plan/tile-plan.js'
import { readCriterion } from '../purge/criterion.js'
import { listOf, setOfPlan, type SeedPlan } from './seed-request.js'

/**
 * The tiles of a plan, in its order, made as they are asked for.
 * @throws Error when the settings of this node have no such layer or matrix set
 */
export function seedSource(plan: SeedPlan, layers: Layers): WarmSource {
  const layer = layers.find(plan.layer)
  const set = setOfPlan(layers, plan)
  if (layer === undefined || set === undefined)
    throw new Error(`this node has no layer ${plan.layer} on the matrix set ${plan.set}`)
  const params = { ...plan.params, tms: set.id }
  const mayBeAbsent = layer.layer.settings.negativeTtl !== undefined
  const itemOf = (tile: Tile): WarmItem => ({
    name: `${tile.z}/${tile.x}/${tile.y}`,
    url: layer.layer.has({ ...tile, set }) ? tileUrl(layer, tile, params) : undefined,
    mayBeAbsent,
  })
  return {
    total: plan.total,
    from: function* (done, after) {
      for (const tile of tilesOf(plan, set, done, after)) yield itemOf(tile)
    },
    named: name => {
      const tile = tileNamed(name)
      return tile === undefined || !isTileOf(set, tile) ? undefined : itemOf(tile)
    },
  }
}

function* tilesOf(
  { criteria, zooms }: SeedPlan,
  set: MatrixSet,
  done: number,
  after: string,
): Generator<Tile, void, void> {
  let skip = done
  for (const criterion of criteria) {
    const mark = readCriterion(criterion)
    if ('area' in mark) yield* tilesIn({ set, area: new AreaIndex(mark.area), zooms }, tileNamed(after))
    else {
      const tiles = listOf(criterion, zooms)
      for (let i = skip; i < tiles.length; i++) yield tiles[i]!
      skip = Math.max(0, skip - tiles.length)
    }
  }
}

function tileNamed(name: string): Tile | undefined {
  const match = /^(\d+)\/(\d+)\/(\d+)$/.exec(name)
  return match === null ? undefined : { z: Number(match[1]), x: Number(match[2]), y: Number(match[3]) }
}
