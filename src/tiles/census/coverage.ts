import { setImmediate as nextTurn } from 'node:timers/promises'
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

/** Places of the table that are gone through before other work goes first. */
const AT_ONCE = 100_000

/** Counts by cell, those with nothing stored left out, and over all of them. */
export async function countCells(
  grid: CellGrid,
  table: TileTable | undefined,
  now: number,
): Promise<{ cells: Cell[]; total: Counts }> {
  const { set, zoom, cellZoom, columns, rows, spans, tileRows } = grid
  const width = columns.length
  const around = set.matrices[cellZoom]!.columns
  // Millions of tiles go by here: nothing is made for each of them.
  const cached = new Uint32Array(width * (rows[1] - rows[0] + 1))
  const fresh = new Uint32Array(cached.length)
  const parents = parentsAt(set, zoom, cellZoom)
  const [top, bottom] = tileRows
  const [[firstA, lastA], [firstB, lastB] = [0, -1]] = spans as [Span, Span?]
  const visit = (x: number, y: number, freshUntil: number) => {
    if (y < top || y > bottom || !((x >= firstA && x <= lastA) || (x >= firstB && x <= lastB))) return
    const column = parents.column(x, y) - columns[0]!
    const at = (parents.row(x, y) - rows[0]) * width + (column < 0 ? column + around : column)
    cached[at]!++
    if (freshUntil > now) fresh[at]!++
  }
  for (let at = 0; at < (table?.places ?? 0); at += AT_ONCE) {
    table!.forEach(set.matrices[zoom]!.columns, visit, at, at + AT_ONCE)
    await nextTurn()
  }
  const cells: Cell[] = []
  const total: Counts = { tiles: tilesWithin(spans, tileRows), cached: 0, fresh: 0, stale: 0 }
  for (const [at, count] of cached.entries()) {
    if (count === 0) continue
    const [x, y] = [columns[at % width]!, rows[0] + Math.floor(at / width)]
    const stale = count - fresh[at]!
    cells.push({ x, y, tiles: tilesOfCell(grid, x, y), cached: count, fresh: fresh[at]!, stale })
    total.cached += count
    total.fresh += fresh[at]!
    total.stale += stale
  }
  return { cells, total }
}

/** The tile of a coarser zoom that a tile lies in. */
function parentsAt(
  set: MatrixSet,
  zoom: number,
  cellZoom: number,
): { column(x: number, y: number): number; row(x: number, y: number): number } {
  const [fine, coarse] = [set.matrices[zoom]!, set.matrices[cellZoom]!]
  const factor = 2 ** (zoom - cellZoom)
  const isNested =
    fine.columns === coarse.columns * factor &&
    fine.rows === coarse.rows * factor &&
    fine.west(0) === coarse.west(0) &&
    fine.north(0) === coarse.north(0)
  if (isNested) return { column: x => Math.floor(x / factor), row: (_x, y) => Math.floor(y / factor) }
  return {
    column: (x, y) => blockOver(set, { z: zoom, x, y }, cellZoom).west,
    row: (x, y) => blockOver(set, { z: zoom, x, y }, cellZoom).north,
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
