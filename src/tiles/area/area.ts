/** One closed line: x, y, x, y, …, in degrees of longitude and latitude. The last point joins the first; it is not repeated. */
export type Ring = readonly number[]

/** Outer ring, then holes. */
export type AreaPolygon = readonly Ring[]

/**
 * A part of the earth, in degrees. Edges are straight in longitude and latitude (RFC 7946 §3.1.1). Longitudes beyond 180 or -180 are those
 * past the antimeridian. A point belongs to the area when it belongs to one of the polygons, borders included, or when it is no further
 * than `margin` from one in longitude and in latitude.
 */
export interface Area {
  readonly polygons: readonly AreaPolygon[]
  /** Degrees; above 0 where the rings were made simpler than they were given. */
  readonly margin: number
}

/** West, south, east, north; west > east crosses the antimeridian (RFC 7946 §5.2). */
export type Bbox = readonly [west: number, south: number, east: number, north: number]

export function areaOfBbox([west, south, east, north]: Bbox): Area {
  const right = east < west ? east + 360 : east
  return { polygons: [[[west, south, right, south, right, north, west, north]]], margin: 0 }
}

export function verticesOf({ polygons }: Area): number {
  return polygons.reduce((sum, rings) => sum + rings.reduce((count, ring) => count + ring.length / 2, 0), 0)
}

/** The rectangle that the area is, if it is one, as west, south, east, north; so that much can be said of it at once. */
export function rectangleOf({ polygons, margin }: Area): Bbox | undefined {
  const ring = polygons[0]?.[0]
  if (margin !== 0 || polygons.length !== 1 || polygons[0]!.length !== 1 || ring?.length !== 8)
    return undefined
  const [a, b, c, d, e, f, g, h] = ring as [number, number, number, number, number, number, number, number]
  const isTurned = a === c && d === f && e === g && h === b
  if (!isTurned && !(b === d && c === e && f === h && g === a)) return undefined
  return [Math.min(a, e), Math.min(b, f), Math.max(a, e), Math.max(b, f)]
}
