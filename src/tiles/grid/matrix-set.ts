import { GEOGRAPHIC, MERCATOR } from './crs.js'
import { TileMatrix, type Bounds } from './tile-matrix.js'

/** A tile, by zoom, column and row of its matrix set (`y` counted as the set does: from the north in the well-known ones). */
export interface Tile {
  readonly z: number
  readonly x: number
  readonly y: number
}

/** A tile matrix set (OGC 17-083r4): a zoom is the place of a matrix in it, the coarsest is 0. */
export interface MatrixSet {
  readonly id: string
  /** Tells apart two sets of one id: '' for the well-known ones. */
  readonly fingerprint: string
  readonly matrices: readonly TileMatrix[]
  /** Each tile is four of the next zoom, and there is one column of them round the earth at least: quadkeys name them. */
  readonly quad: boolean
}

export const DEEPEST_ZOOM = 30

/** WebMercatorQuad (OGC 17-083r4, D.1): the tiles of web maps. */
export const WEB_MERCATOR_QUAD: MatrixSet = {
  id: 'WebMercatorQuad',
  fingerprint: '',
  quad: true,
  matrices: halving({ crs: MERCATOR, originY: 180, columns: 1 }),
}

/** WorldCRS84Quad (OGC 17-083r4, D.2): degrees, two tiles at zoom 0. */
export const WORLD_CRS84_QUAD: MatrixSet = {
  id: 'WorldCRS84Quad',
  fingerprint: '',
  quad: false,
  matrices: halving({ crs: GEOGRAPHIC, originY: 90, columns: 2 }),
}

export const WELL_KNOWN_SETS: readonly MatrixSet[] = [WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD]

/** Name under which entries keep the set of their tile. */
export function setName({ id, fingerprint }: MatrixSet): string {
  return fingerprint === '' ? id : `${id}#${fingerprint}`
}

export function isTileOf(set: MatrixSet, { z, x, y }: Tile): boolean {
  return set.matrices[z]?.has(x, y) === true
}

/** @throws RangeError for a tile that the set does not have. */
export function boundsOf(set: MatrixSet, tile: Tile): Bounds {
  if (!isTileOf(set, tile)) throw new RangeError(`${set.id} has no tile ${tile.z}/${tile.x}/${tile.y}`)
  return set.matrices[tile.z]!.bounds(tile.x, tile.y)
}

/** Matrices round the earth of square tiles, half as wide at each zoom. @param top the one row at zoom 0 */
function halving(top: {
  readonly crs: ConstructorParameters<typeof TileMatrix>[0]['crs']
  readonly originY: number
  readonly columns: number
}): TileMatrix[] {
  const { crs, originY } = top
  return Array.from({ length: DEEPEST_ZOOM + 1 }, (_, z) => {
    const rows = 2 ** z
    const columns = top.columns * rows
    const span = 360 / columns
    const shape = { originX: -180, originY, spanX: span, spanY: span, columns, rows }
    return new TileMatrix({ id: String(z), crs, fromSouth: false, ...shape })
  })
}
