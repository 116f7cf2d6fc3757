import { AreaIndex } from '../area/area-index.js'
import type { Area } from '../area/area.js'
import type { MatrixSet } from '../grid/matrix-set.js'
import { rowSpans, type Span } from '../plan/row-spans.js'
import { blockOver } from '../purge/tile-set.js'
import type { TileTable } from './tile-table.js'

export interface Counts {
  /** Tiles that there can be. */
  tiles: number
  /** … and are: fresh ones and stale ones. */
  cached: number
  fresh: number
  stale: number
}

/** What is stored of the tiles in one tile of a coarser zoom. */
export interface Cell extends Readonly<Counts> {
  readonly x: number
  readonly y: number
}

export interface CellGrid {
  readonly set: MatrixSet
  readonly zoom: number
  /** Zoom of the cells. */
  readonly cellZoom: number
  /** Columns of cells from west to east, as they lie on a map: over the antimeridian where the area does. */
  readonly columns: readonly number[]
  /** First and last row of cells. */
  readonly rows: Span
  /** Columns and rows of tiles. */
  readonly spans: readonly Span[]
  readonly tileRows: Span
}

/** Cells that one answer has at most. */
export const MOST_CELLS = 65_536
/** … and without being asked for finer ones. */
const USUAL_CELLS = 4096

/** The cells that a rectangle has at a zoom; undefined when no tile of the set lies there. */
export function cellGrid(
  set: MatrixSet,
  rectangle: Area,
  zoom: number,
  cellZoom?: number,
): CellGrid | undefined {
  const area = new AreaIndex(rectangle)
  const tileRows = set.matrices[zoom]!.rowsOver(area.south, area.north)
  if (tileRows === undefined) return undefined
  const spans = rowSpans(area, set.matrices[zoom]!, tileRows[0])
  for (let z = cellZoom ?? zoom; z >= 0; z--) {
    const rows = set.matrices[z]!.rowsOver(area.south, area.north)
    if (rows === undefined) return undefined
    const cells = rowSpans(area, set.matrices[z]!, rows[0])
    const count = cells.reduce((sum, [first, last]) => sum + last - first + 1, 0) * (rows[1] - rows[0] + 1)
    if (cellZoom === undefined && count > USUAL_CELLS && z > 0) continue
    const columns = count > MOST_CELLS ? [] : fromTheWest(cells, area)
    return { set, zoom, cellZoom: z, columns, rows, spans, tileRows }
  }
  return undefined
}

export function cellCount({ set, cellZoom, rows }: CellGrid, rectangle: Area): number {
  const cells = rowSpans(new AreaIndex(rectangle), set.matrices[cellZoom]!, rows[0])
  return cells.reduce((sum, [first, last]) => sum + last - first + 1, 0) * (rows[1] - rows[0] + 1)
}

/** Counts by cell, those with nothing stored left out, and over all of them. */
export function countCells(
  grid: CellGrid,
  table: TileTable | undefined,
  now: number,
): { cells: Cell[]; total: Counts } {
  const { set, zoom, cellZoom, spans, tileRows } = grid
  // By number: a name for each tile would take longer than all the rest.
  const found = new Map<number, { x: number; y: number } & Counts>()
  const total: Counts = { tiles: tilesWithin(spans, tileRows), cached: 0, fresh: 0, stale: 0 }
  const cellOf = parentFinder(set, zoom, cellZoom)
  const width = set.matrices[cellZoom]!.columns
  table?.forEach(set.matrices[zoom]!.columns, (x, y, freshUntil) => {
    if (y < tileRows[0] || y > tileRows[1] || !spans.some(([first, last]) => x >= first && x <= last)) return
    const [cx, cy] = cellOf(x, y)
    const name = cy * width + cx
    let cell = found.get(name)
    if (cell === undefined) {
      cell = { x: cx, y: cy, tiles: tilesOfCell(grid, cx, cy), cached: 0, fresh: 0, stale: 0 }
      found.set(name, cell)
    }
    cell.cached++
    if (freshUntil > now) cell.fresh++
  })
  for (const cell of found.values()) {
    cell.stale = cell.cached - cell.fresh
    total.cached += cell.cached
    total.fresh += cell.fresh
    total.stale += cell.stale
  }
  return { cells: [...found.values()].sort((a, b) => a.y - b.y || a.x - b.x), total }
}

/** The tile of a coarser zoom that a tile lies in. */
function parentFinder(
  set: MatrixSet,
  zoom: number,
  cellZoom: number,
): (x: number, y: number) => [number, number] {
  const [fine, coarse] = [set.matrices[zoom]!, set.matrices[cellZoom]!]
  const factor = 2 ** (zoom - cellZoom)
  const isNested =
    fine.columns === coarse.columns * factor &&
    fine.rows === coarse.rows * factor &&
    fine.west(0) === coarse.west(0) &&
    fine.north(0) === coarse.north(0)
  if (isNested) return (x, y) => [Math.floor(x / factor), Math.floor(y / factor)]
  return (x, y) => {
    const { west, north } = blockOver(set, { z: zoom, x, y }, cellZoom)
    return [west, north]
  }
}

function tilesOfCell({ set, zoom, cellZoom, spans, tileRows }: CellGrid, x: number, y: number): number {
  const { west, east, north, south } = blockOver(set, { z: cellZoom, x, y }, zoom)
  const columns = spans.reduce((sum, [first, last]) => sum + overlap(first, last, west, east), 0)
  return columns * overlap(tileRows[0], tileRows[1], north, south)
}

function tilesWithin(spans: readonly Span[], [first, last]: Span): number {
  return spans.reduce((sum, [a, b]) => sum + b - a + 1, 0) * (last - first + 1)
}

function overlap(a: number, b: number, c: number, d: number): number {
  return Math.max(0, Math.min(b, d) - Math.max(a, c) + 1)
}

/** Over the antimeridian, the columns before it come first. */
function fromTheWest(spans: readonly Span[], area: AreaIndex): number[] {
  const columns = spans.map(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
  return area.turns.length > 1 && columns.length > 1 ? columns.reverse().flat() : columns.flat()
}
