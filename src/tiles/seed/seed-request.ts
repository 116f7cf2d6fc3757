import { FaultyRequest } from '../../engine/fence/mark-faults.js'
import { areaOfBbox, rectangleOf, type Area } from '../area/area.js'
import { AreaIndex } from '../area/area-index.js'
import { setName, type MatrixSet } from '../grid/matrix-set.js'
import type { Layers, NamedLayer } from '../layer/layers.js'
import { countTiles, type ZoomRange } from '../plan/tile-plan.js'
import { readCriterion, writeCriterion } from '../purge/criterion.js'
import { planTiles, type TileRequest } from '../purge/request.js'
import { unpackTiles } from '../purge/tile-list.js'
import type { TileCriterion } from '../../engine/ports/index.js'

/** What is to be seeded, as a job's paper keeps it. */
export interface SeedPlan {
  readonly layer: string
  /** Name of the matrix set. */
  readonly set: string
  readonly zooms: ZoomRange
  /** An area, or lists: as marks have them. */
  readonly criteria: readonly TileCriterion[]
  /** Places of the template that neither the tile nor the name of the layer fills. */
  readonly params: Readonly<Record<string, string>>
  readonly total: number
}

/** Rows of tiles are gone through to count them: an area with more is not for one job. */
const MOST_COUNTED = 1_000_000_000

/**
 * Request → plan, with the number of its tiles. Zooms that the layer does not have are left out.
 * @throws FaultyRequest with every fault and its path
 */
export async function planSeed(
  request: TileRequest & { readonly params?: Readonly<Record<string, string>> | undefined },
  layer: NamedLayer,
): Promise<SeedPlan> {
  const { params = {}, ...tiles } = request
  if (request.ancestors === true || request.descendants === true)
    throw fault('ancestors', 'and descendants are for invalidating: list the tiles to seed, or give an area')
  const plan = planTiles(tiles, layer)
  const zooms = clipped(plan.zooms, layer)
  checkParams(params, layer, plan.set)
  const base = { layer: layer.name, set: setName(plan.set), zooms, params }
  if (plan.area === undefined) {
    const listed = plan.criteria.reduce((sum, criterion) => sum + listOf(criterion, zooms).length, 0)
    if (listed === 0) throw fault('tiles', `has no tile at the layer's zooms ${zooms[0]} to ${zooms[1]}`)
    return { ...base, criteria: plan.criteria, total: listed }
  }
  const area = withinExtent(plan.area, layer)
  const total = await countTiles({ set: plan.set, zooms, area: new AreaIndex(area) }, MOST_COUNTED)
  if (total > MOST_COUNTED)
    throw fault(
      'zoom',
      `and the area come to more than ${MOST_COUNTED} tiles, the most of one job: take fewer zooms`,
    )
  return { ...base, criteria: [writeCriterion({ layer: layer.name, zoom: zooms, area })], total }
}

/** Tiles of one list, those at other zooms left out. */
export function listOf(criterion: TileCriterion, [first, last]: ZoomRange) {
  const mark = readCriterion(criterion)
  if ('area' in mark) return []
  return unpackTiles(mark.list).filter(({ z }) => z >= first && z <= last)
}

export function setOfPlan(layers: Layers, { set }: SeedPlan): MatrixSet | undefined {
  return layers.setNamed(set)
}

function clipped([first, last]: ZoomRange, { layer, name }: NamedLayer): ZoomRange {
  const [from, to] = [Math.max(first, layer.zooms[0]), Math.min(last, layer.zooms[1])]
  if (from <= to) return [from, to]
  const has = `${layer.zooms[0]} to ${layer.zooms[1]}`
  throw fault('zoom', `is ${first} to ${last}: the layer ${name} has zooms ${has}`)
}

/** Two rectangles are cut to the one that they share; of other areas the tiles outside are left out as they come. */
function withinExtent(area: Area, { layer, name }: NamedLayer): Area {
  const [box, extent] = [rectangleOf(area), layer.settings.extent]
  if (extent === undefined || box === undefined || extent[0] > extent[2] || box[2] > 180) return area
  const shared = [
    Math.max(box[0], extent[0]),
    Math.max(box[1], extent[1]),
    Math.min(box[2], extent[2]),
    Math.min(box[3], extent[3]),
  ] as const
  if (shared[0] > shared[2] || shared[1] > shared[3])
    throw fault('bbox', `lies outside of the layer ${name}, which has ${JSON.stringify(extent)}`)
  return areaOfBbox([shared[0], shared[1], shared[2], shared[3]])
}

function checkParams(params: Readonly<Record<string, string>>, layer: NamedLayer, { id }: MatrixSet): void {
  const tile = { z: layer.layer.zooms[0], x: 0, y: 0 }
  try {
    layer.layer.urlOf(tile, { ...layer.params, ...params, tms: id })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw fault('params', `lack something: ${error.message}, such as "params": {"style": "default"}`)
  }
}

function fault(path: string, message: string): FaultyRequest {
  return new FaultyRequest([{ path, message }])
}
