import type { Crs } from './crs.js'

/** A rectangle in degrees; `east` may lie beyond 180 where it crosses the antimeridian. */
export interface Bounds {
  readonly west: number
  readonly south: number
  readonly east: number
  readonly north: number
}

export interface MatrixShape {
  /** As it stands in URLs. */
  readonly id: string
  readonly crs: Crs
  /** Corner of the first tile, and size of a tile, in degrees of the equator. */
  readonly originX: number
  readonly originY: number
  readonly spanX: number
  readonly spanY: number
  readonly columns: number
  readonly rows: number
  /** Row 0 is the southernmost (OGC `cornerOfOrigin: bottomLeft`). */
  readonly fromSouth: boolean
}

/**
 * One zoom of a matrix set: tiles of equal size in columns and rows. Its edges are functions of the column and row alone, so that two
 * tiles that share an edge share its exact number, at this zoom and at every other of the set.
 */
export class TileMatrix {
  readonly id: string
  readonly columns: number
  readonly rows: number
  readonly #shape: MatrixShape

  constructor(shape: MatrixShape) {
    this.#shape = shape
    this.id = shape.id
    this.columns = shape.columns
    this.rows = shape.rows
  }

  /** Columns once round the earth; undefined when no whole number of them goes round. */
  get around(): number | undefined {
    const around = 360 / this.#shape.spanX
    return Number.isInteger(around) && around === this.columns ? around : undefined
  }

  /** Longitude of a column's west edge; also of columns beyond the matrix. */
  west(column: number): number {
    return this.#shape.originX + column * this.#shape.spanX
  }

  north(row: number): number {
    const { crs, originY, spanY, fromSouth } = this.#shape
    return crs.latitude(fromSouth ? originY + (row + 1) * spanY : originY - row * spanY)
  }

  south(row: number): number {
    const { crs, originY, spanY, fromSouth } = this.#shape
    return crs.latitude(fromSouth ? originY + row * spanY : originY - (row + 1) * spanY)
  }

  bounds(x: number, y: number): Bounds {
    return { west: this.west(x), south: this.south(y), east: this.west(x + 1), north: this.north(y) }
  }

  has(x: number, y: number): boolean {
    return x >= 0 && x < this.columns && y >= 0 && y < this.rows
  }

  /** The first and the last column that a span of longitudes meets, its ends included; they may lie beyond the matrix. */
  columnsOver(west: number, east: number): readonly [first: number, last: number] {
    const { originX, spanX } = this.#shape
    let first = Math.floor((west - originX) / spanX)
    let last = Math.floor((east - originX) / spanX)
    // The division rounds; the edges decide.
    while (this.west(first) >= west) first--
    while (this.west(first + 1) < west) first++
    while (this.west(last) > east) last--
    while (this.west(last + 1) <= east) last++
    return [first, last]
  }

  /** The first and the last row that a span of latitudes meets, its ends included; undefined when the matrix has none there. */
  rowsOver(south: number, north: number): readonly [first: number, last: number] | undefined {
    const last = this.rows - 1
    const [top, bottom] = this.#shape.fromSouth ? [last, 0] : [0, last]
    if (this.north(top) < south || this.south(bottom) > north) return undefined
    const a = this.#rowMeeting(north, true)
    const b = this.#rowMeeting(south, false)
    return a < b ? [a, b] : [b, a]
  }

  /** The row that has this latitude in it; on an edge the northern, or the southern, of the two that share it. */
  #rowMeeting(latitude: number, northern: boolean): number {
    const { crs, originY, spanY, fromSouth } = this.#shape
    const clamp = (row: number) => Math.min(Math.max(row, 0), this.rows - 1)
    const position = (crs.northing(latitude) - originY) / spanY
    let row = clamp(Math.floor(fromSouth ? position : -position))
    const up = fromSouth ? 1 : -1
    const inside = (r: number) => r >= 0 && r < this.rows
    while (inside(row + up) && (northern ? this.north(row) <= latitude : this.north(row) < latitude))
      row += up
    while (inside(row - up) && (northern ? this.south(row) > latitude : this.south(row) >= latitude))
      row -= up
    return row
  }
}
