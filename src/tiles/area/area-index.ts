import Flatbush from 'flatbush'
import { orient2d } from 'robust-predicates'
import type { Bounds } from '../grid/tile-matrix.js'
import type { Area, AreaPolygon } from './area.js'

/**
 * An area, made ready for many questions. Whether a rectangle meets it is decided exactly (adaptive predicates, no rounding), borders
 * included on both sides: one that only touches the area meets it.
 */
export class AreaIndex {
  readonly #polygons: readonly PolygonIndex[]
  readonly west: number
  readonly south: number
  readonly east: number
  readonly north: number
  /** Turns by which a rectangle is moved before it is held against the area, degrees: more than one past the antimeridian. */
  readonly turns: readonly number[]

  constructor(readonly area: Area) {
    this.#polygons = area.polygons.map(rings => new PolygonIndex(rings, area.margin))
    this.west = Math.min(...this.#polygons.map(({ west }) => west))
    this.south = Math.min(...this.#polygons.map(({ south }) => south))
    this.east = Math.max(...this.#polygons.map(({ east }) => east))
    this.north = Math.max(...this.#polygons.map(({ north }) => north))
    this.turns = [0, ...(this.east > 180 ? [360] : []), ...(this.west < -180 ? [-360] : [])]
  }

  get polygons(): readonly PolygonIndex[] {
    return this.#polygons
  }

  /** Whether a rectangle on the earth (longitudes from -180 to 180) and the area have a point in common. */
  meets({ west, south, east, north }: Bounds): boolean {
    if (south > this.north || north < this.south) return false
    for (const turn of this.turns) {
      for (const polygon of this.#polygons) {
        if (polygon.meets(west + turn, south, east + turn, north)) return true
      }
    }
    return false
  }
}

/** One polygon with its edges in a tree. */
export class PolygonIndex {
  readonly #edges: Float64Array
  /** Number of the ring that each edge belongs to. */
  readonly #ringOf: Uint32Array
  /** How often each ring goes round the point that is asked for: kept, so that asking makes no new list. */
  readonly #windings: Int32Array
  readonly #tree: Flatbush
  readonly #margin: number
  readonly west: number
  readonly south: number
  readonly east: number
  readonly north: number

  constructor(rings: AreaPolygon, margin: number) {
    this.#margin = margin
    const count = rings.reduce((sum, ring) => sum + ring.length / 2, 0)
    this.#edges = new Float64Array(4 * count)
    this.#ringOf = new Uint32Array(count)
    this.#windings = new Int32Array(rings.length)
    this.#tree = new Flatbush(count)
    let edge = 0
    for (const [number, ring] of rings.entries()) {
      for (let i = 0; i < ring.length; i += 2) {
        const next = (i + 2) % ring.length
        const [ax, ay, bx, by] = [ring[i]!, ring[i + 1]!, ring[next]!, ring[next + 1]!]
        this.#ringOf[edge] = number
        this.#edges.set([ax, ay, bx, by], 4 * edge++)
        this.#tree.add(Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by))
      }
    }
    this.#tree.finish()
    this.west = this.#tree.minX - margin
    this.south = this.#tree.minY - margin
    this.east = this.#tree.maxX + margin
    this.north = this.#tree.maxY + margin
  }

  meets(west: number, south: number, east: number, north: number): boolean {
    if (west > this.east || east < this.west || south > this.north || north < this.south) return false
    return this.touches(west, south, east, north) || this.holds(west, south)
  }

  /** Whether an edge meets the rectangle. */
  touches(west: number, south: number, east: number, north: number): boolean {
    const margin = this.#margin
    const box = { west: west - margin, south: south - margin, east: east + margin, north: north + margin }
    let found = false
    this.#tree.search(box.west, box.south, box.east, box.north, edge => {
      found ||= this.#edgeMeets(edge, box)
      return false
    })
    return found
  }

  /**
   * Whether a point that is on no edge lies inside: the outer ring goes round it, in either direction and however often, and no hole does.
   */
  holds(x: number, y: number): boolean {
    const windings = this.#windings.fill(0)
    this.#tree.search(x, y, this.#tree.maxX, y, edge => {
      const [ax, ay, bx, by] = this.#endsOf(edge)
      const rises = ay <= y && by > y
      if (!rises && !(by <= y && ay > y)) return false
      // Along a rising edge, what is west of it lies to the left. This library's sign: below 0 is counter-clockwise.
      const side = rises ? orient2d(ax, ay, bx, by, x, y) : orient2d(bx, by, ax, ay, x, y)
      if (side < 0) windings[this.#ringOf[edge]!]! += rises ? 1 : -1
      return false
    })
    return windings[0] !== 0 && windings.every((winding, ring) => ring === 0 || winding === 0)
  }

  /** Edges that come near a strip between two latitudes. */
  edgesIn(south: number, north: number): number[] {
    const { minX, maxX } = this.#tree
    return this.#tree.search(minX, south - this.#margin, maxX, north + this.#margin)
  }

  /** West and east end of the part of an edge that lies between two latitudes (with the margin), rounded. */
  reachOf(edge: number, south: number, north: number): readonly [west: number, east: number] {
    const [ax, ay, bx, by] = this.#endsOf(edge)
    const low = south - this.#margin
    const high = north + this.#margin
    const xAt = (y: number) => {
      if (ay === by) return ax
      const x = ax + ((y - ay) / (by - ay)) * (bx - ax)
      return Math.min(Math.max(x, Math.min(ax, bx)), Math.max(ax, bx))
    }
    const ends = [
      ay < low ? xAt(low) : ay > high ? xAt(high) : ax,
      by < low ? xAt(low) : by > high ? xAt(high) : bx,
    ] as const
    return [Math.min(...ends) - this.#margin, Math.max(...ends) + this.#margin]
  }

  edgeTouches(edge: number, { west, south, east, north }: Bounds): boolean {
    const m = this.#margin
    return this.#edgeMeets(edge, { west: west - m, south: south - m, east: east + m, north: north + m })
  }

  #endsOf(edge: number): readonly [ax: number, ay: number, bx: number, by: number] {
    const edges = this.#edges
    const at = 4 * edge
    return [edges[at]!, edges[at + 1]!, edges[at + 2]!, edges[at + 3]!]
  }

  /** By separating axes: x, y, and the edge's normal. Exact. */
  #edgeMeets(edge: number, { west, south, east, north }: Bounds): boolean {
    const [ax, ay, bx, by] = this.#endsOf(edge)
    if (Math.max(ax, bx) < west || Math.min(ax, bx) > east) return false
    if (Math.max(ay, by) < south || Math.min(ay, by) > north) return false
    const a = orient2d(ax, ay, bx, by, west, south)
    const b = orient2d(ax, ay, bx, by, east, south)
    const c = orient2d(ax, ay, bx, by, east, north)
    const d = orient2d(ax, ay, bx, by, west, north)
    return !((a > 0 && b > 0 && c > 0 && d > 0) || (a < 0 && b < 0 && c < 0 && d < 0))
  }
}
