import { verticesOf, type Area, type Ring } from './area.js'

/**
 * The area with at most so many vertices, and never less of it: rings are thinned (Douglas-Peucker), and the area's margin grows by the
 * farthest that a dropped vertex lies from the line that took its place. Everything between a line and what it took the place of lies within
 * that distance of it, so it is in the area still. Holes are left out where their corners alone are too many; undefined when those of the
 * polygons are.
 */
export function simplifiedOutward(area: Area, maxVertices: number): Area | undefined {
  if (verticesOf(area) <= maxVertices) return area
  const rings = area.polygons.map(rings => rings.map(ring => ({ ring, weight: weights(ring) })))
  const all = Float64Array.from(rings.flat().flatMap(({ weight }) => [...weight])).sort()
  const tolerance = all[all.length - 1 - maxVertices]!
  if (tolerance === Infinity) {
    const withoutHoles = { ...area, polygons: area.polygons.map(([outer]) => [outer!]) }
    return rings.flat().length > rings.length ? simplifiedOutward(withoutHoles, maxVertices) : undefined
  }
  let dropped = 0
  const keep = ({ ring, weight }: { ring: Ring; weight: Float64Array }): number[] => {
    const kept: number[] = []
    for (let i = 0; i < weight.length; i++) {
      if (weight[i]! > tolerance) kept.push(ring[2 * i]!, ring[2 * i + 1]!)
      else dropped = Math.max(dropped, weight[i]!)
    }
    return kept
  }
  const polygons = rings.map(polygon => polygon.map(keep))
  // What is left of the sums above is rounded: a little more is on the safe side.
  return { polygons, margin: area.margin + dropped * (1 + 1e-9) + 1e-12 }
}

/**
 * For each vertex the tolerance from which on Douglas-Peucker drops it: its distance from the line that would take its place, and never more
 * than that of the vertex that it depends on. Four of each ring stay in any case.
 */
function weights(ring: Ring): Float64Array {
  const count = ring.length / 2
  const weight = new Float64Array(count)
  const corners = cornersOf(ring)
  for (const corner of corners) weight[corner] = Infinity
  const stack: [from: number, to: number, most: number][] = corners.map((corner, i) => [
    corner,
    i + 1 < corners.length ? corners[i + 1]! : corners[0]! + count,
    Infinity,
  ])
  while (stack.length > 0) {
    const [from, to, most] = stack.pop()!
    let far = -1
    let farthest = -1
    for (let i = from + 1; i < to; i++) {
      const distance = distanceToLine(ring, i % count, from % count, to % count)
      if (distance > farthest) [far, farthest] = [i, distance]
    }
    if (far === -1) continue
    const own = Math.min(farthest, most)
    weight[far % count] = own
    stack.push([from, far, own], [far, to, own])
  }
  return weight
}

/** The westernmost, southernmost, easternmost and northernmost vertices, in the ring's order. */
function cornersOf(ring: Ring): number[] {
  const ends = [0, 0, 0, 0]
  for (let i = 1; i < ring.length / 2; i++) {
    if (ring[2 * i]! < ring[2 * ends[0]!]!) ends[0] = i
    if (ring[2 * i]! > ring[2 * ends[1]!]!) ends[1] = i
    if (ring[2 * i + 1]! < ring[2 * ends[2]! + 1]!) ends[2] = i
    if (ring[2 * i + 1]! > ring[2 * ends[3]! + 1]!) ends[3] = i
  }
  return [...new Set(ends)].sort((a, b) => a - b)
}

function distanceToLine(ring: Ring, i: number, from: number, to: number): number {
  const [px, py, ax, ay] = [ring[2 * i]!, ring[2 * i + 1]!, ring[2 * from]!, ring[2 * from + 1]!]
  const [dx, dy] = [ring[2 * to]! - ax, ring[2 * to + 1]! - ay]
  const length = dx * dx + dy * dy
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / length))
  return Math.hypot(px - ax - along * dx, py - ay - along * dy)
}
