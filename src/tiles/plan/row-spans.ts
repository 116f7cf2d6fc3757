import type { AreaIndex, PolygonIndex } from '../area/area-index.js'
import type { TileMatrix } from '../grid/tile-matrix.js'

/** Columns from the first to the last, both included. */
export type Span = readonly [first: number, last: number]

/**
 * The columns of one row whose tiles meet the area, as spans in order that do not touch each other. What is found is exactly what
 * `AreaIndex.meets` says of each tile; the cost is that of the edges near the row, not of its tiles.
 */
export function rowSpans(area: AreaIndex, matrix: TileMatrix, row: number): readonly Span[] {
  const spans: Span[] = []
  for (const polygon of area.polygons) {
    for (const turn of area.turns) spans.push(...polygonSpans(polygon, matrix, row, turn))
  }
  return merged(spans)
}

/** Columns are counted on past the antimeridian, and brought back by the turn. */
function polygonSpans(polygon: PolygonIndex, matrix: TileMatrix, row: number, turn: number): Span[] {
  const [south, north] = [matrix.south(row), matrix.north(row)]
  const boxOf = (column: number) => ({
    west: matrix.west(column) + turn,
    south,
    east: matrix.west(column + 1) + turn,
    north,
  })
  const touched = merged(
    polygon
      .edgesIn(south, north)
      .flatMap(edge => edgeSpan(edge, turn))
      .map(span => within(span, matrix))
      .filter(span => span !== undefined),
  )
  // Between two spans that edges touch no edge runs: all of these tiles lie inside, or none does.
  const spans = [...touched]
  for (let i = 0; i + 1 < touched.length; i++) {
    const first = touched[i]![1] + 1
    if (polygon.holds(boxOf(first).west, south)) spans.push([first, touched[i + 1]![0] - 1])
  }
  // A polygon wider than the matrix has no edge on that side.
  const [head, tail] = [touched[0]?.[0] ?? matrix.columns, touched.at(-1)?.[1] ?? matrix.columns]
  if (head > 0 && polygon.holds(boxOf(0).west, south)) spans.push([0, head - 1])
  if (tail < matrix.columns - 1 && polygon.holds(boxOf(tail + 1).west, south))
    spans.push([tail + 1, matrix.columns - 1])
  return spans

  function edgeSpan(edge: number, turned: number): Span[] {
    const [west, east] = polygon.reachOf(edge, south, north)
    const meets = (column: number) => polygon.edgeTouches(edge, boxOf(column))
    let [first, last] = matrix.columnsOver(west - turned, east - turned)
    // The reach is rounded; the exact test decides at its ends.
    while (first <= last && !meets(first)) first++
    while (last >= first && !meets(last)) last--
    if (first > last) return []
    while (meets(first - 1)) first--
    while (meets(last + 1)) last++
    return [[first, last]]
  }
}

function within([first, last]: Span, { columns }: TileMatrix): Span | undefined {
  if (last < 0 || first >= columns) return undefined
  return [Math.max(first, 0), Math.min(last, columns - 1)]
}

/** In order; those that overlap or follow each other become one. */
export function merged(spans: readonly Span[]): Span[] {
  const out: [number, number][] = []
  for (const [first, last] of [...spans].sort((a, b) => a[0] - b[0])) {
    const before = out.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else out.push([first, last])
  }
  return out
}
