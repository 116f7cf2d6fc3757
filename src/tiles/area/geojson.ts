import { FaultyRequest, type Fault } from '../../engine/fence/mark-faults.js'
import { areaOfBbox, verticesOf, type Area, type AreaPolygon, type Bbox } from './area.js'
import { doubleArea, selfCrossing } from './area-faults.js'
import { simplifiedOutward } from './simplify.js'

/** Vertices of an area that are kept; one with more is made simpler, see `simplifiedOutward`. */
export const MAX_VERTICES = 1000
/** Vertices of a geometry that are taken at all. */
export const MAX_GIVEN_VERTICES = 100_000

/**
 * West, south, east, north in degrees → area; west > east crosses the antimeridian.
 * @throws FaultyRequest
 */
export function readBbox(value: unknown, path = 'bbox'): Area {
  if (!Array.isArray(value) || value.length !== 4 || !value.every(isNumber))
    throw fault(path, 'must be [west, south, east, north] in degrees')
  const [west, south, east, north] = value as unknown as Bbox
  const faults: Fault[] = []
  for (const [name, longitude] of [
    ['west', west],
    ['east', east],
  ] as const)
    if (Math.abs(longitude) > 180)
      faults.push({ path, message: `has ${name} ${longitude}: longitudes go from -180 to 180` })
  for (const [name, latitude] of [
    ['south', south],
    ['north', north],
  ] as const)
    if (Math.abs(latitude) > 90)
      faults.push({ path, message: `has ${name} ${latitude}: latitudes go from -90 to 90` })
  if (south > north)
    faults.push({
      path,
      message: `has south ${south} above north ${north}: order is west, south, east, north`,
    })
  if (faults.length > 0) throw new FaultyRequest(faults)
  return areaOfBbox([west, south, east, north])
}

/**
 * GeoJSON (RFC 7946) Polygon or MultiPolygon, or a Feature, FeatureCollection or GeometryCollection of such → area.
 * @throws FaultyRequest with every polygon's fault by itself
 */
export function readGeometry(value: unknown, path = 'geometry'): Area {
  const polygons: { path: string; rings: unknown }[] = []
  collect(value, path, polygons, 0)
  if (polygons.length === 0) throw fault(path, 'has no polygon in it')
  const given = { count: 0 }
  const area: Area = {
    polygons: polygons.map(({ rings, path: at }) => readPolygon(rings, at, given)),
    margin: 0,
  }
  const simple = simplifiedOutward(area, MAX_VERTICES)
  if (simple === undefined) {
    const message = `has ${polygons.length} polygons, too many to be kept with ${MAX_VERTICES} vertices (${verticesOf(area)} were given): split it into several requests`
    throw fault(path, message)
  }
  return simple
}

function collect(value: unknown, path: string, out: { path: string; rings: unknown }[], depth: number): void {
  const type = isRecord(value) ? value.type : undefined
  if (!isRecord(value) || depth > 4) throw fault(path, 'must be GeoJSON: a Polygon or a MultiPolygon')
  const list = (name: string, items: unknown, each: (item: unknown, at: string) => void) => {
    if (!Array.isArray(items)) throw fault(`${path}.${name}`, 'must be a list')
    items.forEach((item: unknown, i) => each(item, `${path}.${name}[${i}]`))
  }
  const deeper = (item: unknown, at: string) => collect(item, at, out, depth + 1)
  switch (type) {
    case 'Polygon':
      return void out.push({ path: `${path}.coordinates`, rings: value.coordinates })
    case 'MultiPolygon':
      return list('coordinates', value.coordinates, (rings, at) => void out.push({ path: at, rings }))
    case 'Feature':
      return deeper(value.geometry, `${path}.geometry`)
    case 'FeatureCollection':
      return list('features', value.features, deeper)
    case 'GeometryCollection':
      return list('geometries', value.geometries, deeper)
    default:
      throw fault(
        `${path}.type`,
        `is ${JSON.stringify(type)}: there are Polygon and MultiPolygon (also in a Feature or a collection)`,
      )
  }
}

function readPolygon(rings: unknown, path: string, given: { count: number }): AreaPolygon {
  if (!Array.isArray(rings) || rings.length === 0)
    throw fault(path, 'must be a list of rings, the outer one first')
  const read = rings.map((ring: unknown, i) => readRing(ring, `${path}[${i}]`, given))
  // Outer rings that cross themselves would have an outside where an inside was meant.
  const [outer] = read as [number[]]
  const crossing = selfCrossing(outer)
  if (crossing !== undefined)
    throw fault(
      `${path}[0]`,
      `crosses itself near ${crossing[0]}, ${crossing[1]}: split it there into polygons of a MultiPolygon`,
    )
  if (doubleArea(outer) === 0) throw fault(`${path}[0]`, 'encloses nothing')
  return [outer, ...read.slice(1).filter(hole => doubleArea(hole) > 0)].map(ring => turnedBack(ring, outer))
}

function readRing(ring: unknown, path: string, given: { count: number }): number[] {
  if (!Array.isArray(ring) || ring.length < 4) throw fault(path, 'must have at least 4 positions')
  given.count += ring.length - 1
  if (given.count > MAX_GIVEN_VERTICES)
    throw fault(
      path,
      `brings the geometry to ${given.count} vertices: at most ${MAX_GIVEN_VERTICES} are taken, make it simpler`,
    )
  const flat: number[] = []
  for (const [i, position] of ring.entries()) {
    const at = `${path}[${i}]`
    if (!Array.isArray(position) || !isNumber(position[0]) || !isNumber(position[1]))
      throw fault(at, 'must be [longitude, latitude] in degrees')
    const [x, y] = position as [number, number]
    if (Math.abs(x) > 540)
      throw fault(
        at,
        `has longitude ${x}: they go from -180 to 180, or a turn beyond where the antimeridian is crossed`,
      )
    if (Math.abs(y) > 90) throw fault(at, `has latitude ${y}: they go from -90 to 90 (longitude comes first)`)
    const jump = Math.abs(x - (flat.at(-2) ?? x))
    if (jump > 180 && jump < 360) throw fault(at, ambiguous(jump))
    flat.push(x, y)
  }
  const [x, y] = flat.slice(-2)
  if (x !== flat[0] || y !== flat[1]) throw fault(path, 'must end with the position that it begins with')
  return flat.slice(0, -2)
}

/** Two conventions would make two areas of it: the one of RFC 7946, and that of tools that go the short way round. */
function ambiguous(jump: number): string {
  return `is ${jump} degrees of longitude away from the position before: cut the polygon at the antimeridian (RFC 7946 §3.1.9), write longitudes beyond 180, or put positions between`
}

/** A whole polygon brought to where its outer ring begins between -180 and 180. */
function turnedBack(ring: readonly number[], outer: readonly number[]): readonly number[] {
  const west = outer.reduce((least, value, i) => (i % 2 === 0 ? Math.min(least, value) : least), Infinity)
  const turns = west >= 180 ? -360 : west < -180 && eastOf(outer) <= -180 ? 360 : 0
  return turns === 0 ? ring : ring.map((value, i) => (i % 2 === 0 ? value + turns : value))
}

function eastOf(ring: readonly number[]): number {
  return ring.reduce((most, value, i) => (i % 2 === 0 ? Math.max(most, value) : most), -Infinity)
}

function fault(path: string, message: string): FaultyRequest {
  return new FaultyRequest([{ path, message }])
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
