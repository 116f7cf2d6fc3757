import type { TileCriterion } from '../../engine/ports/index.js'
import { StrataError } from '../../errors.js'
import type { Area } from '../area/area.js'
import type { ZoomRange } from '../plan/tile-plan.js'

/** What a mark about tiles says, as the log keeps it. Numbers of an area are kept as they are, to the last bit. */
export type TileMark =
  | { readonly layer: string; readonly zoom: ZoomRange; readonly area: Area }
  | {
      readonly layer: string
      readonly zoom: ZoomRange
      /** Name of the set that the list counts in. */
      readonly set: string
      /** See `packTiles`. */
      readonly list: string
      /** Tiles of coarser zooms above those listed, and of finer ones below them, as well. */
      readonly above: boolean
      readonly below: boolean
    }

export function writeCriterion(mark: TileMark): TileCriterion {
  if (!('area' in mark)) return { ...mark }
  const polygons = mark.area.polygons.map(rings => rings.map(packNumbers))
  return { layer: mark.layer, zoom: mark.zoom, area: { polygons, margin: mark.area.margin } }
}

/** @throws StrataError STRATA_DECODE for anything that is no such criterion */
export function readCriterion(criterion: TileCriterion): TileMark {
  const { layer, zoom, area, set, list, above, below } = criterion
  if (!isZooms(zoom)) throw undecodable()
  if (area !== undefined) return { layer, zoom, area: readArea(area) }
  const valid =
    typeof set === 'string' &&
    typeof list === 'string' &&
    typeof above === 'boolean' &&
    typeof below === 'boolean'
  if (!valid) throw undecodable()
  return { layer, zoom, set, list, above, below }
}

function readArea(value: unknown): Area {
  const { polygons, margin } = (value ?? {}) as { polygons?: unknown; margin?: unknown }
  if (typeof margin !== 'number' || !(margin >= 0) || !Array.isArray(polygons) || polygons.length === 0)
    throw undecodable()
  return {
    margin,
    polygons: polygons.map((rings: unknown) => {
      if (!Array.isArray(rings) || rings.length === 0) throw undecodable()
      return rings.map(unpackNumbers)
    }),
  }
}

function packNumbers(numbers: readonly number[]): string {
  const bytes = Buffer.alloc(8 * numbers.length)
  for (const [i, number] of numbers.entries()) bytes.writeDoubleLE(number, 8 * i)
  return bytes.toString('base64')
}

function unpackNumbers(text: unknown): number[] {
  const bytes = Buffer.from(typeof text === 'string' ? text : '', 'base64')
  if (bytes.length === 0 || bytes.length % 16 !== 0) throw undecodable()
  const numbers = Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i))
  if (!numbers.every(Number.isFinite)) throw undecodable()
  return numbers
}

function isZooms(value: unknown): value is ZoomRange {
  return (
    Array.isArray(value) && value.length === 2 && value.every(zoom => Number.isSafeInteger(zoom) && zoom >= 0)
  )
}

function undecodable(): StrataError {
  return new StrataError('STRATA_DECODE', 'a mark about tiles failed validation')
}
