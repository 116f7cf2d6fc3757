import type { Invalidation, Operator } from '../engine/operator.js'
import type { DryRun } from '../engine/operator/dry-run.js'
import { StrataError } from '../errors.js'
import { verticesOf } from './area/area.js'
import { AreaIndex } from './area/area-index.js'
import type { Counting, CoverageQuery, CoverageReport, CoverageReports } from './census/coverage-reports.js'
import type { Layers, NamedLayer } from './layer/layers.js'
import { layerNameOf } from './layer/layer.js'
import { countTiles } from './plan/tile-plan.js'
import { planTiles, type TilePlan, type TileRequest } from './purge/request.js'

/** What was invalidated, in terms of tiles. */
export interface TileTarget {
  readonly layer: string
  readonly zoom: readonly [number, number]
  /** Of a list: how many were listed. */
  readonly listed?: number
  /** Of an area: corners that were kept, and by how many degrees it was widened so that they are enough. */
  readonly vertices?: number
  readonly margin?: number
}

export interface TileDryRun extends DryRun, TileTarget {
  /** Of an area: how many tiles meet it, stored or not; null when there are more than can be counted at once. */
  readonly tiles?: number | null
}

/** Rows of tiles are gone through for it: beyond that nobody needs to know how many exactly. */
const MOST_COUNTED = 100_000_000

/** What an operator can do with map layers. Knows no HTTP. */
export class TileOperator {
  constructor(
    readonly layers: Layers,
    private readonly operator: Pick<Operator, 'invalidateTiles'>,
    private readonly reports: CoverageReports,
  ) {}

  /** @throws StrataError STRATA_NOT_FOUND with the layers that there are */
  layer(name: string): NamedLayer {
    const found = this.layers.find(name)
    if (found !== undefined) return found
    const names = this.layers.all.map(layer => layerNameOf(layer.settings))
    const there = names.length === 0 ? 'no rule has one' : `there are ${names.join(', ')}`
    throw new StrataError(
      'STRATA_NOT_FOUND',
      `there is no map layer ${JSON.stringify(name.slice(0, 64))}: ${there}`,
    )
  }

  /**
   * What is stored of a layer, by cells; `counting` until it has been counted for the first time.
   * @throws FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE
   */
  coverage(name: string, query: CoverageQuery): Promise<CoverageReport | Counting> {
    return this.reports.report(this.layer(name), query)
  }

  /**
   * Invalidates tiles: once this has resolved with `effective`, none that was fetched before is served any more (P1), at the cost of a few
   * marks, however many are stored (P2).
   * @throws FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_NOT_FOUND, STRATA_STORE_UNAVAILABLE
   */
  async invalidate(
    name: string,
    request: TileRequest,
    options: { readonly soft?: boolean; readonly dryRun?: boolean },
  ): Promise<(Invalidation & TileTarget) | TileDryRun> {
    const layer = this.layer(name)
    const plan = planTiles(request, layer)
    const target = targetOf(name, plan)
    const result = await this.operator.invalidateTiles(plan.criteria, options)
    if (!('dryRun' in result)) return { ...result, ...target }
    return { ...result, ...target, ...(await counted(plan)) }
  }
}

function targetOf(layer: string, { zooms, area, listed }: TilePlan): TileTarget {
  return {
    layer,
    zoom: zooms,
    ...(listed === undefined ? {} : { listed }),
    ...(area === undefined ? {} : { vertices: verticesOf(area), margin: area.margin }),
  }
}

async function counted({ set, zooms, area }: TilePlan): Promise<{ tiles?: number | null }> {
  if (area === undefined) return {}
  const tiles = await countTiles({ set, zooms, area: new AreaIndex(area) }, MOST_COUNTED)
  return { tiles: tiles > MOST_COUNTED ? null : tiles }
}
