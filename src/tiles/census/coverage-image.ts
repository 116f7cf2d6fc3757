import { PNG } from 'pngjs'
import type { Cell, CellGrid } from './coverage.js'

const FRESH = [46, 125, 50] as const
const STALE = [239, 140, 0] as const
/** A single tile in a large cell is to be seen, too. */
const FAINTEST = 64

/** A pixel for each cell: green for fresh tiles, orange for stale ones, the fuller the more of them there are; clear where there are none. */
export function coverageImage({ columns, rows }: CellGrid, cells: readonly Cell[]): Buffer {
  const png = new PNG({ width: columns.length, height: rows[1] - rows[0] + 1 })
  const at = new Map(columns.map((column, i) => [column, i]))
  for (const { x, y, tiles, cached, fresh } of cells) {
    const column = at.get(x)
    if (column === undefined) continue
    const share = fresh / cached
    const rgb = FRESH.map((part, i) => Math.round(part * share + STALE[i]! * (1 - share)))
    const fullness = Math.min(1, cached / Math.max(1, tiles))
    png.data.set(
      [...rgb, FAINTEST + Math.round((255 - FAINTEST) * fullness)],
      4 * ((y - rows[0]) * columns.length + column),
    )
  }
  return PNG.sync.write(png)
}
