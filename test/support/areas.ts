import fc from 'fast-check'
import type { Area, Ring } from '../../src/tiles/area/area.js'
import type { Bounds } from '../../src/tiles/grid/tile-matrix.js'

/**
 * Areas for property tests: boxes, stars with and without a hole, some over the antimeridian, some at the poles. Their coordinates are often
 * those of tile borders (multiples of 45/8 degrees), since that is where mistakes would be.
 */
export function anyArea(): fc.Arbitrary<Area> {
  const step = 45 / 8
  const tame = (value: number) => (Math.abs(value) < 1e-9 ? 0 : value)
  const longitude = fc.oneof(
    fc.integer({ min: -32, max: 31 }).map(n => n * step),
    fc.double({ min: -180, max: 179, noNaN: true }).map(tame),
  )
  const latitude = fc.oneof(
    fc.integer({ min: -14, max: 14 }).map(n => n * step),
    fc.double({ min: -89, max: 89, noNaN: true }).map(tame),
  )
  const size = fc.oneof(
    fc.integer({ min: 1, max: 12 }).map(n => n * step),
    fc.double({ min: 1e-6, max: 90, noNaN: true }),
  )
  const box = fc
    .tuple(longitude, latitude, size, size)
    .map(([x, y, w, h]): Ring[] => [[x, y, x + w, y, x + w, Math.min(y + h, 90), x, Math.min(y + h, 90)]])
  const star = fc
    .tuple(
      longitude,
      latitude,
      fc.array(fc.double({ min: 0.2, max: 1, noNaN: true }), { minLength: 3, maxLength: 40 }),
      size,
      fc.boolean(),
    )
    .map(([x, y, reach, s, hole]): Ring[] => {
      const ring = (scale: number) =>
        reach.flatMap((r, i) => {
          const turn = (2 * Math.PI * i) / reach.length
          return [
            x + scale * r * s * Math.cos(turn),
            Math.max(-90, Math.min(90, y + scale * r * s * Math.sin(turn))),
          ]
        })
      return hole ? [ring(1), ring(0.5)] : [ring(1)]
    })
  return fc
    .array(fc.oneof(box, star), { minLength: 1, maxLength: 3 })
    .map(polygons => ({ polygons, margin: 0 }))
}

/**
 * Whether rectangle and area (without margin) meet, computed another way: every number as an exact fraction of whole ones (a double is one), the
 * rectangle's sides against the edges one by one, and a ray from a corner.
 */
export function slowlyMeets(area: Area, bounds: Bounds): boolean {
  const wests = Math.min(...area.polygons.flatMap(rings => rings[0]!.filter((_, i) => i % 2 === 0)))
  const easts = Math.max(...area.polygons.flatMap(rings => rings[0]!.filter((_, i) => i % 2 === 0)))
  const turns = [0, ...(easts > 180 ? [360] : []), ...(wests < -180 ? [-360] : [])]
  return turns.some(turn =>
    area.polygons.some(rings =>
      meets(rings, { ...bounds, west: bounds.west + turn, east: bounds.east + turn }),
    ),
  )
}

type Point = readonly [bigint, bigint]

/** Enough for every number that tests use, with some to spare. */
const SCALE = 200

/** The double as a whole number of units of 2^-200. */
function whole(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  const mantissa = exponent === 0 ? fraction : fraction | 0x10000000000000n
  if (mantissa !== 0n && exponent < 1075 - SCALE)
    throw new RangeError(`${value} is too small to be held against others`)
  const magnitude = mantissa === 0n ? 0n : mantissa << BigInt(exponent - 1075 + SCALE)
  return value < 0 ? -magnitude : magnitude
}

function meets(rings: readonly Ring[], { west, south, east, north }: Bounds): boolean {
  const [w, s, e, n] = [whole(west), whole(south), whole(east), whole(north)]
  const corners: Point[] = [
    [w, s],
    [e, s],
    [e, n],
    [w, n],
  ]
  const lines = rings.map(ring =>
    Array.from({ length: ring.length / 2 }, (_, i): Point => [whole(ring[2 * i]!), whole(ring[2 * i + 1]!)]),
  )
  const within = ([x, y]: Point) => x >= w && x <= e && y >= s && y <= n
  for (const line of lines) {
    for (const [i, a] of line.entries()) {
      const b = line[(i + 1) % line.length]!
      if (within(a)) return true
      for (const [k, c] of corners.entries()) if (segmentsMeet(a, b, c, corners[(k + 1) % 4]!)) return true
    }
  }
  const inside = lines.map(line => isInside(line, corners[0]!))
  return inside[0]! && !inside.slice(1).some(Boolean)
}

function turn(a: Point, b: Point, c: Point): number {
  const cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
  return cross > 0n ? 1 : cross < 0n ? -1 : 0
}

function segmentsMeet(a: Point, b: Point, c: Point, d: Point): boolean {
  const [p, q, r, s] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)]
  if (p !== q && r !== s) return true
  const on = (u: Point, v: Point, x: Point) =>
    turn(u, v, x) === 0 && (x[0] - u[0]) * (x[0] - v[0]) <= 0n && (x[1] - u[1]) * (x[1] - v[1]) <= 0n
  return on(a, b, c) || on(a, b, d) || on(c, d, a) || on(c, d, b)
}

/** Of a point that is on no edge; rings here do not cross themselves. */
function isInside(line: readonly Point[], p: Point): boolean {
  let inside = false
  for (const [i, a] of line.entries()) {
    const b = line[(i + 1) % line.length]!
    if (a[1] > p[1] === b[1] > p[1]) continue
    const side = turn(a, b, p)
    if (a[1] < b[1] ? side > 0 : side < 0) inside = !inside
  }
  return inside
}
