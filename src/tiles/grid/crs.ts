/**
 * How the two axes of a coordinate reference system lie over the plane in which areas are given: degrees of longitude and latitude.
 * Only systems whose tiles are rectangles there are taken: their tests are exact.
 */
export interface Crs {
  readonly name: 'mercator' | 'geographic'
  /** Degrees of longitude in one unit of the system's definition documents (metres or degrees). */
  readonly degrees: number
  /** Latitude of a northing that is given in degrees of the equator. It rises with the northing. */
  latitude(northing: number): number
  northing(latitude: number): number
}

const RADIANS = Math.PI / 180
const EARTH_RADIUS = 6378137

/** Spherical Mercator (EPSG:3857). */
export const MERCATOR: Crs = {
  name: 'mercator',
  degrees: 1 / (EARTH_RADIUS * RADIANS),
  latitude: northing => Math.atan(Math.sinh(northing * RADIANS)) / RADIANS,
  northing: latitude => Math.asinh(Math.tan(latitude * RADIANS)) / RADIANS,
}

/** Degrees as they are (CRS84, EPSG:4326). */
export const GEOGRAPHIC: Crs = {
  name: 'geographic',
  degrees: 1,
  latitude: northing => northing,
  northing: latitude => latitude,
}

/** Codes that name spherical Mercator, the unofficial ones of old servers among them. */
const MERCATOR_CODES = new Set(['3857', '900913', '3785', '102100', '102113', '41001'])
const GEOGRAPHIC_CODES = new Set(['4326', 'CRS84', 'CRS:84', '84', '4258', '4269', '4979'])

export interface NamedCrs {
  readonly crs: Crs
  /** The definition lists latitude before longitude (EPSG:4326 does). */
  readonly northFirst: boolean
}

/** Of a URI, URN or short name; undefined for a system that is not one of these. */
export function crsNamed(name: string): NamedCrs | undefined {
  const code = name.split(/[/:]/).at(-1)!.toUpperCase()
  if (MERCATOR_CODES.has(code)) return { crs: MERCATOR, northFirst: false }
  if (!GEOGRAPHIC_CODES.has(code)) return undefined
  return { crs: GEOGRAPHIC, northFirst: /^\d{4}$/.test(code) }
}
