import { createHash } from 'node:crypto'
import { crsNamed, type NamedCrs } from './crs.js'
import type { MatrixSet } from './matrix-set.js'
import { TileMatrix } from './tile-matrix.js'

/** OGC 17-083r4: size of the standardised rendering pixel, m. */
const PIXEL_METRES = 0.00028
const METRES_PER_DEGREE = (Math.PI * 6378137) / 180
const MOST_MATRICES = 64
/** Metres are written with a few digits: what is this close to a whole part of the earth's width is meant to be it. */
const SLACK = 1e-7

/** A TileMatrix of OGC Two Dimensional Tile Matrix Set 2.0, as JSON. */
export interface OgcTileMatrix {
  readonly id: string
  readonly scaleDenominator?: number
  readonly cellSize?: number
  readonly cornerOfOrigin?: 'topLeft' | 'bottomLeft'
  readonly pointOfOrigin: readonly [number, number]
  readonly tileWidth: number
  readonly tileHeight: number
  readonly matrixWidth: number
  readonly matrixHeight: number
  readonly variableMatrixWidths?: readonly unknown[]
}

/** A TileMatrixSet of OGC Two Dimensional Tile Matrix Set 2.0, as JSON. */
export interface OgcTileMatrixSet {
  readonly id: string
  readonly crs: string | { readonly uri?: string }
  readonly orderedAxes?: readonly string[]
  readonly tileMatrices: readonly OgcTileMatrix[]
}

/** What is wrong with a definition, in words that go behind its name; undefined when it can be used. */
export function faultOfMatrixSet(definition: OgcTileMatrixSet): string | undefined {
  const name = crsName(definition)
  if (name === undefined || crsNamed(name) === undefined) {
    return `has the coordinate reference system ${name ?? '(unnamed)'}: there are EPSG:3857 and its aliases, EPSG:4326 and CRS84`
  }
  const { tileMatrices } = definition
  if (tileMatrices.length === 0 || tileMatrices.length > MOST_MATRICES)
    return `must have 1 to ${MOST_MATRICES} tileMatrices`
  let coarser = Infinity
  for (const matrix of tileMatrices) {
    const at = `tileMatrix ${matrix.id}`
    if ((matrix.variableMatrixWidths ?? []).length > 0)
      return `${at} has variableMatrixWidths: rows must be even`
    const size = cellSize(matrix, crsNamed(name)!)
    if (size === undefined) return `${at} must have a cellSize or a scaleDenominator above 0`
    if (size >= coarser) return `${at} must be finer than the one before it: order them from coarse to fine`
    coarser = size
  }
  if (new Set(tileMatrices.map(({ id }) => id)).size < tileMatrices.length)
    return 'has two tileMatrices of one id'
  return undefined
}

/** Definition → set; `faultOfMatrixSet` has found nothing. */
export function readMatrixSet(definition: OgcTileMatrixSet): MatrixSet {
  const named = crsNamed(crsName(definition)!)!
  const { id, tileMatrices } = definition
  const matrices = tileMatrices.map(matrix => readMatrix(matrix, named, isNorthFirst(definition, named)))
  const fingerprint = createHash('sha256').update(JSON.stringify(definition)).digest('base64url').slice(0, 6)
  return { id, fingerprint, matrices, quad: false }
}

function readMatrix(matrix: OgcTileMatrix, named: NamedCrs, northFirst: boolean): TileMatrix {
  const { crs } = named
  const size = cellSize(matrix, named)! * crs.degrees
  const [first, second] = matrix.pointOfOrigin
  const [east, north] = northFirst ? [second, first] : [first, second]
  return new TileMatrix({
    id: matrix.id,
    crs,
    originX: wholePart(east * crs.degrees),
    originY: wholePart(north * crs.degrees),
    spanX: partOfEarth(size * matrix.tileWidth),
    spanY: partOfEarth(size * matrix.tileHeight),
    columns: matrix.matrixWidth,
    rows: matrix.matrixHeight,
    fromSouth: matrix.cornerOfOrigin === 'bottomLeft',
  })
}

/** Units of the reference system for one pixel. */
function cellSize(
  { cellSize: given, scaleDenominator }: OgcTileMatrix,
  { crs }: NamedCrs,
): number | undefined {
  if (given !== undefined) return given > 0 ? given : undefined
  if (scaleDenominator === undefined || !(scaleDenominator > 0)) return undefined
  const metres = scaleDenominator * PIXEL_METRES
  return crs.name === 'mercator' ? metres : metres / METRES_PER_DEGREE
}

function crsName({ crs }: OgcTileMatrixSet): string | undefined {
  return typeof crs === 'string' ? crs : crs.uri
}

function isNorthFirst({ orderedAxes }: OgcTileMatrixSet, { northFirst }: NamedCrs): boolean {
  const first = orderedAxes?.[0]
  return first === undefined ? northFirst : /^(lat|n|y)/i.test(first)
}

function wholePart(degrees: number): number {
  const near = Math.round(degrees)
  return Math.abs(degrees - near) < SLACK ? near : degrees
}

/** `span` as 360° by a whole number, if it is that. */
function partOfEarth(span: number): number {
  const parts = Math.round(360 / span)
  return parts > 0 && Math.abs(360 / span - parts) < SLACK * parts ? 360 / parts : span
}
