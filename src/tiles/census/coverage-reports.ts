import { FaultyRequest } from '../../engine/fence/mark-faults.js'
import type { Clock } from '../../engine/clock.js'
import { Pass } from '../../engine/sweep/pass.js'
import type { Timers } from '../../engine/timers.js'
import { messageOf, StrataError } from '../../errors.js'
import { areaOfBbox, type Area, type Bbox } from '../area/area.js'
import { readBbox } from '../area/geojson.js'
import type { NamedLayer } from '../layer/layers.js'
import {
  cellCount,
  cellGrid,
  countCells,
  MOST_CELLS,
  type Cell,
  type CellGrid,
  type Counts,
} from './coverage.js'
import { takeCensus, type CensusParts, type TileCensus } from './tile-census.js'

export interface CoverageQuery {
  readonly zoom: number
  /** Without it: the layer's extent. */
  readonly bbox?: readonly number[]
  /** Zoom of the cells; without it the finest at which there are not too many. */
  readonly cell?: number
}

export interface CoverageReport {
  readonly layer: string
  readonly zoom: number
  readonly cellZoom: number
  /** What is counted is what was stored then, ISO 8601; freshness is that of now. */
  readonly asOf: string
  /** Something was purged since; a new count is under way. */
  readonly outdated: boolean
  /** False: there are more tiles than are counted. */
  readonly complete: boolean
  readonly total: Counts
  /** Cells with something stored. */
  readonly cells: readonly (Cell & { readonly z: number })[]
  readonly grid: CellGrid
}

/** No count is there yet. */
export interface Counting {
  readonly state: 'counting'
  readonly examined: number
  readonly total: number | null
}

export interface CoverageParts extends CensusParts {
  readonly clock: Clock
  readonly timers: Timers
  /** Part of the time that a count may work. */
  readonly pace: number
  /** Longest wait for a count before the one before it is answered with, ms. */
  readonly waitMs?: number
}

const WAIT_MS = 2000
/** A count is good for so many times as long as it took, and a second. */
const REST = 10
const WORLD: Bbox = [-180, -90, 180, 90]

/** What is stored of a layer, by cells. The whole store is gone through for it, in the background, and the count is kept for a while. */
export class CoverageReports {
  #census: TileCensus | undefined
  #goodUntil = -Infinity
  #running: { readonly pass: Pass; readonly ended: Promise<void> } | undefined
  #failure: unknown

  constructor(private readonly parts: CoverageParts) {}

  /** @throws FaultyRequest (STRATA_BAD_REQUEST); StrataError STRATA_STORE_UNAVAILABLE */
  async report(layer: NamedLayer, query: CoverageQuery): Promise<CoverageReport | Counting> {
    const { grid } = readQuery(layer, query)
    if (this.#isDue()) await this.#wait(this.#start())
    const census = this.#census
    if (census === undefined) {
      if (this.#running !== undefined) {
        const { examined, total } = this.#running.pass
        return { state: 'counting', examined, total: total ?? null }
      }
      throw new StrataError('STRATA_STORE_UNAVAILABLE', `the store failed: ${messageOf(this.#failure)}`, {
        cause: this.#failure,
      })
    }
    const { cells, total } = await countCells(
      grid,
      census.table(layer.name, grid.set, grid.zoom),
      this.parts.clock.now(),
    )
    return {
      layer: layer.name,
      zoom: grid.zoom,
      cellZoom: grid.cellZoom,
      asOf: new Date(census.asOf).toISOString(),
      outdated: this.#isOutdated(census),
      complete: census.complete,
      total,
      cells: cells.map(cell => ({ z: grid.cellZoom, ...cell })),
      grid,
    }
  }

  /** Stops what runs. */
  async stop(): Promise<void> {
    this.#running?.pass.cancel()
    await this.#running?.ended
  }

  #isDue(): boolean {
    return (
      this.#census === undefined ||
      this.#isOutdated(this.#census) ||
      this.parts.clock.monotonic() >= this.#goodUntil
    )
  }

  #isOutdated({ fence }: TileCensus): boolean {
    const { epoch, seq } = this.parts.fence.state()
    return fence.epoch !== epoch || fence.seq !== seq
  }

  #start(): Promise<void> {
    if (this.#running !== undefined) return this.#running.ended
    const { clock, timers, pace } = this.parts
    const pass = new Pass(clock.now(), { pace, clock, timers })
    const started = clock.monotonic()
    const ended = takeCensus(this.parts, pass, clock.now())
      .then(census => {
        this.#census = census
        this.#goodUntil = clock.monotonic() + 1000 + REST * (clock.monotonic() - started)
      })
      .catch((error: unknown) => {
        this.#failure = error
      })
      .finally(() => {
        this.#running = undefined
      })
    this.#running = { pass, ended }
    return ended
  }

  async #wait(ended: Promise<void>): Promise<void> {
    const { timers, waitMs = WAIT_MS } = this.parts
    let cancel: (() => void) | undefined
    const late = new Promise<void>(resolve => {
      cancel = timers.after(waitMs, resolve)
    })
    await Promise.race([ended, late])
    cancel?.()
  }
}

function readQuery(layer: NamedLayer, { zoom, bbox, cell }: CoverageQuery): { area: Area; grid: CellGrid } {
  const { set, settings, zooms } = layer.layer
  const deepest = set.matrices.length - 1
  const fault = (path: string, message: string) => new FaultyRequest([{ path, message }])
  if (!Number.isInteger(zoom) || zoom < 0 || zoom > deepest)
    throw fault(
      'zoom',
      `must be a whole number from 0 to ${deepest} (the layer has ${zooms[0]} to ${zooms[1]})`,
    )
  if (cell !== undefined && !(Number.isInteger(cell) && cell >= 0 && cell <= zoom))
    throw fault('cell', `must be a whole number from 0 to zoom (${zoom})`)
  const area = bbox === undefined ? areaOfBbox(settings.extent ?? WORLD) : readBbox(bbox)
  const grid = cellGrid(set, area, zoom, cell)
  if (grid === undefined) throw fault('bbox', `has no tiles of ${set.id} in it`)
  const count = cellCount(grid, area)
  if (count > MOST_CELLS)
    throw fault(
      'cell',
      `makes ${count} cells: at most ${MOST_CELLS} are counted, take a coarser zoom or a smaller bbox`,
    )
  return { area, grid }
}
