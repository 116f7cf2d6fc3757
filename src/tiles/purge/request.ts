import { FaultyRequest, type Fault } from '../../engine/fence/mark-faults.js'
import type { TileCriterion } from '../../engine/ports/index.js'
import type { Area } from '../area/area.js'
import { readBbox, readGeometry } from '../area/geojson.js'
import { isTileOf, setName, type MatrixSet, type Tile } from '../grid/matrix-set.js'
import type { NamedLayer } from '../layer/layers.js'
import type { ZoomRange } from '../plan/tile-plan.js'
import { writeCriterion } from './criterion.js'
import { inPackingOrder, packTiles } from './tile-list.js'

/** Tiles of one list. */
export const MAX_LISTED_TILES = 1_000_000
/** Of a list in one mark; as base64, with the rest of the mark, it stays below what the log takes. */
const LIST_BYTES = 22 * 1024

/** Which tiles are meant: an area, or a list. Values as they came; what is wrong with them is told all at once. */
export interface TileRequest {
  readonly bbox?: unknown
  readonly geometry?: unknown
  readonly tile?: unknown
  /** `z/x/y`, one a line or in a list. */
  readonly tiles?: unknown
  /** One zoom, or the first and the last. */
  readonly zoom?: unknown
  readonly ancestors?: boolean
  readonly descendants?: boolean
  readonly matrixSet?: unknown
}

/** What a request comes to. */
export interface TilePlan {
  readonly criteria: readonly TileCriterion[]
  readonly zooms: ZoomRange
  readonly set: MatrixSet
  /** The area, as it is kept; undefined for a list. */
  readonly area?: Area
  /** How many tiles were listed. */
  readonly listed?: number
}

/**
 * Request → criteria of marks.
 * @throws FaultyRequest with every fault and its path
 */
export function planTiles(request: TileRequest, layer: NamedLayer): TilePlan {
  const given = (['bbox', 'geometry', 'tile', 'tiles'] as const).filter(name => request[name] !== undefined)
  if (given.length !== 1) {
    const message =
      given.length === 0
        ? 'says nothing about what to invalidate: give bbox, geometry, tile or tiles (bbox [-180, -90, 180, 90] is the whole layer)'
        : `gives ${given.join(' and ')}: give one of them`
    throw new FaultyRequest([{ path: '', message }])
  }
  const set = readSet(request.matrixSet, layer)
  const zooms = readZooms(request.zoom, layer)
  const { name } = layer
  if (request.bbox !== undefined || request.geometry !== undefined) {
    const area = request.bbox === undefined ? readGeometry(request.geometry) : readBbox(request.bbox)
    return { criteria: [writeCriterion({ layer: name, zoom: zooms, area })], zooms, set, area }
  }
  const tiles = readTiles(request, set)
  const listed = tiles.length
  const texts = packTiles(dropRepeats(tiles.sort(inPackingOrder)), LIST_BYTES)
  const { ancestors: above = false, descendants: below = false } = request
  const rest = { layer: name, zoom: zooms, set: setName(set), above, below }
  return { criteria: texts.map(list => writeCriterion({ ...rest, list })), zooms, set, listed }
}

/** One zoom, or a range; without it all of the layer's. @throws FaultyRequest */
export function readZooms(value: unknown, { layer }: NamedLayer): ZoomRange {
  const [first, last] = layer.zooms
  if (value === undefined) return layer.zooms
  const range = typeof value === 'number' ? [value, value] : value
  const limit = `the layer has zooms ${first} to ${last}`
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isZoom))
    throw fault('zoom', `must be a whole number, or [first, last]: ${limit}`)
  const [from, to] = range as [number, number]
  if (from > to) throw fault('zoom', `has its last (${to}) below its first (${from})`)
  const deepest = Math.max(...layer.sets.map(({ matrices }) => matrices.length - 1))
  if (to > deepest) throw fault('zoom', `goes to ${to}: ${limit}`)
  return [from, to]
}

function readSet(value: unknown, { layer }: NamedLayer): MatrixSet {
  if (value === undefined) return layer.set
  const set = layer.sets.find(({ id }) => id === value)
  if (set !== undefined) return set
  throw fault('matrixSet', `is none of the layer: there are ${layer.sets.map(({ id }) => id).join(', ')}`)
}

function readTiles({ tile, tiles }: TileRequest, set: MatrixSet): Tile[] {
  if (tile !== undefined) return [readTile(tile, 'tile', set)]
  const lines = typeof tiles === 'string' ? linesOf(tiles) : tiles
  if (!Array.isArray(lines) || lines.length === 0)
    throw fault('tiles', 'must be a list of z/x/y, with one at least')
  if (lines.length > MAX_LISTED_TILES)
    throw fault(
      'tiles',
      `lists ${lines.length} tiles: at most ${MAX_LISTED_TILES} are taken at once, split the list`,
    )
  const faults: Fault[] = []
  const read: Tile[] = []
  for (const [i, line] of (lines as unknown[]).entries()) {
    try {
      read.push(readTile(line, `tiles[${i}]`, set))
    } catch (error) {
      if (!(error instanceof FaultyRequest)) throw error
      faults.push(...error.faults)
      if (faults.length >= MOST_FAULTS) break
    }
  }
  if (faults.length > 0) throw new FaultyRequest(faults)
  return read
}

const MOST_FAULTS = 20
const LINE = /^(\d{1,2})\/(\d{1,10})\/(\d{1,10})(?:\.\w+)?$/

/** As osm2pgsql and Imposm write them; empty lines and comments are let be. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
}

function readTile(value: unknown, path: string, set: MatrixSet): Tile {
  const match = typeof value === 'string' ? LINE.exec(value.trim()) : null
  const { z, x, y } =
    match === null
      ? ((value ?? {}) as Partial<Record<'z' | 'x' | 'y', unknown>>)
      : { z: Number(match[1]), x: Number(match[2]), y: Number(match[3]) }
  if (!isZoom(z) || !isZoom(x) || !isZoom(y)) throw fault(path, 'must be z/x/y, such as 12/2200/1343')
  const matrix = set.matrices[z]
  if (matrix === undefined) throw fault(path, `is at zoom ${z}: ${set.id} goes to ${set.matrices.length - 1}`)
  if (!isTileOf(set, { z, x, y }))
    throw fault(
      path,
      `is ${z}/${x}/${y}: zoom ${z} of ${set.id} has ${matrix.columns} columns and ${matrix.rows} rows`,
    )
  // Names of tiles in a list are whole numbers.
  if (!Number.isSafeInteger(matrix.columns * matrix.rows))
    throw fault(path, `is at zoom ${z}: lists go to the zoom that has fewer than 2^53 tiles`)
  return { z, x, y }
}

function dropRepeats(tiles: readonly Tile[]): Tile[] {
  return tiles.filter((tile, i) => i === 0 || inPackingOrder(tiles[i - 1]!, tile) !== 0)
}

function isZoom(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function fault(path: string, message: string): FaultyRequest {
  return new FaultyRequest([{ path, message }])
}
