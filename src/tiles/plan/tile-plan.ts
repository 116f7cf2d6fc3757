import { setImmediate as nextTurn } from 'node:timers/promises'
import { rectangleOf } from '../area/area.js'
import type { AreaIndex } from '../area/area-index.js'
import type { MatrixSet, Tile } from '../grid/matrix-set.js'
import type { TileMatrix } from '../grid/tile-matrix.js'
import { merged, rowSpans, type Span } from './row-spans.js'

/** First and last zoom, both included. */
export type ZoomRange = readonly [first: number, last: number]

/** What is planned for: tiles that meet the area, at these zooms of the set. */
export interface TileScope {
  readonly set: MatrixSet
  readonly area: AreaIndex
  readonly zooms: ZoomRange
}

/** Columns and rows that origins make at once (metatiles): tiles of one block come one after the other. */
const BLOCK = 8
const ROWS_PER_TURN = 2000

/**
 * How many tiles meet the area. Costs a look at the edges near each row, not at the tiles (nothing at all for a rectangle); lets other work
 * go first every now and then.
 * @param atMost stops once there are more: what it returns then is only known to be more
 */
export async function countTiles({ set, area, zooms }: TileScope, atMost = Infinity): Promise<number> {
  let count = 0
  for (const { matrix } of matricesOf(set, zooms)) {
    const box = rectangleCount(area, matrix)
    if (box !== undefined) {
      count += box
      continue
    }
    const rows = matrix.rowsOver(area.south, area.north)
    if (rows === undefined) continue
    for (let row = rows[0]; row <= rows[1] && count <= atMost; row++) {
      for (const [first, last] of rowSpans(area, matrix, row)) count += last - first + 1
      if ((row - rows[0]) % ROWS_PER_TURN === ROWS_PER_TURN - 1) await nextTurn()
    }
    if (count > atMost) return count
  }
  return count
}

/**
 * The tiles that meet the area, one by one, none twice: coarse zooms first; within a zoom in blocks of 8 × 8 tiles that begin at multiples
 * of 8, as tile servers render them. Holds the spans of 8 rows at a time.
 * @param after goes on behind this tile, which an earlier run in the same scope has given
 */
export function* tilesIn({ set, area, zooms }: TileScope, after?: Tile): Generator<Tile, void, void> {
  let skipping = after !== undefined
  for (const { z, matrix } of matricesOf(set, zooms)) {
    if (after !== undefined && z < after.z) continue
    const rows = matrix.rowsOver(area.south, area.north)
    if (rows === undefined) continue
    const start = skipping && after!.z === z ? after!.y : rows[0]
    for (let top = blockStart(start); top <= rows[1]; top += BLOCK) {
      for (const tile of blockRow(area, matrix, z, rows, top)) {
        if (!skipping) yield tile
        else if (after!.z !== z) {
          skipping = false
          yield tile
        } else if (tile.x === after!.x && tile.y === after!.y) skipping = false
      }
    }
    if (after?.z === z) skipping = false
  }
}

function* blockRow(
  area: AreaIndex,
  matrix: TileMatrix,
  z: number,
  [firstRow, lastRow]: Span,
  top: number,
): Generator<Tile> {
  const rows: { y: number; spans: readonly Span[] }[] = []
  for (let y = Math.max(top, firstRow); y <= Math.min(top + BLOCK - 1, lastRow); y++)
    rows.push({ y, spans: rowSpans(area, matrix, y) })
  const blocks = merged(
    rows.flatMap(({ spans }) => spans.map(([a, b]): Span => [Math.floor(a / BLOCK), Math.floor(b / BLOCK)])),
  )
  for (const [firstBlock, lastBlock] of blocks) {
    for (let block = firstBlock; block <= lastBlock; block++) {
      const left = block * BLOCK
      for (const { y, spans } of rows) {
        for (const [a, b] of spans) {
          for (let x = Math.max(a, left); x <= Math.min(b, left + BLOCK - 1); x++) yield { z, x, y }
        }
      }
    }
  }
}

function blockStart(row: number): number {
  return Math.floor(row / BLOCK) * BLOCK
}

function* matricesOf({ matrices }: MatrixSet, [first, last]: ZoomRange) {
  for (let z = Math.max(first, 0); z <= Math.min(last, matrices.length - 1); z++)
    yield { z, matrix: matrices[z]! }
}

function rectangleCount(area: AreaIndex, matrix: TileMatrix): number | undefined {
  const box = rectangleOf(area.area)
  if (box === undefined) return undefined
  const [west, south, east, north] = box
  const rows = matrix.rowsOver(south, north)
  if (rows === undefined) return 0
  const spans = area.turns.map((turn): Span => {
    const [first, last] = matrix.columnsOver(west - turn, east - turn)
    return [Math.max(first, 0), Math.min(last, matrix.columns - 1)]
  })
  const columns = merged(spans.filter(([first, last]) => first <= last)).reduce(
    (n, [a, b]) => n + b - a + 1,
    0,
  )
  return columns * (rows[1] - rows[0] + 1)
}
