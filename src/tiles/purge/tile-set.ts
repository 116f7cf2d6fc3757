import type { MatrixSet, Tile } from '../grid/matrix-set.js'

/** Columns and rows, first and last of each, both included. */
interface Block {
  readonly west: number
  readonly east: number
  readonly north: number
  readonly south: number
}

/** Listed tiles of one matrix set, ready to be asked about any tile of it. */
export class TileSet {
  /** Names of tiles by zoom, in order: a number is 8 bytes here, and some 40 in a Set. */
  readonly #listed = new Map<number, Float64Array>()
  readonly #above = new Map<number, Float64Array>()

  constructor(
    private readonly set: MatrixSet,
    tiles: readonly Tile[],
    private readonly options: { readonly above: boolean; readonly below: boolean },
  ) {
    const byZoom = new Map<number, Tile[]>()
    for (const tile of tiles) {
      const list = byZoom.get(tile.z)
      if (list === undefined) byZoom.set(tile.z, [tile])
      else list.push(tile)
    }
    for (const [z, list] of byZoom) this.#listed.set(z, sorted(list.map(tile => this.#name(tile))))
    if (!options.above) return
    for (let z = Math.max(...byZoom.keys()) - 1; z >= 0; z--) {
      const names: number[] = []
      for (const [finer, list] of byZoom) {
        if (finer <= z) continue
        for (const tile of list) names.push(...this.#namesOver(tile, z))
      }
      this.#above.set(z, sorted(names))
    }
  }

  /** Whether the tile is listed, or lies above or below one that is, if those count. */
  has(tile: Tile): boolean {
    const listed = this.#listed.get(tile.z)
    if (listed !== undefined && contains(listed, this.#name(tile))) return true
    const above = this.#above.get(tile.z)
    if (above !== undefined && contains(above, this.#name(tile))) return true
    if (!this.options.below) return false
    for (const [z, names] of this.#listed) {
      if (z < tile.z && this.#namesOver(tile, z).some(name => contains(names, name))) return true
    }
    return false
  }

  #name({ z, x, y }: Tile): number {
    return y * this.set.matrices[z]!.columns + x
  }

  /** Tiles of a coarser zoom that lie over this one: one, where each tile is cut in four. */
  #namesOver(tile: Tile, z: number): number[] {
    const { west, east, north, south } = blockOver(this.set, tile, z)
    const names: number[] = []
    for (let y = north; y <= south; y++)
      for (let x = west; x <= east; x++) names.push(this.#name({ z, x, y }))
    return names
  }
}

/** Tiles of another zoom that have more than a border in common with this one. */
export function blockOver(set: MatrixSet, { z, x, y }: Tile, zoom: number): Block {
  const bounds = set.matrices[z]!.bounds(x, y)
  const matrix = set.matrices[zoom]!
  let [west, east] = matrix.columnsOver(bounds.west, bounds.east)
  if (matrix.west(west + 1) <= bounds.west) west++
  if (matrix.west(east) >= bounds.east) east--
  const rows = matrix.rowsOver(bounds.south, bounds.north)
  if (rows === undefined) return { west: 0, east: -1, north: 0, south: -1 }
  const overlaps = (row: number) => matrix.south(row) < bounds.north && matrix.north(row) > bounds.south
  let [north, south] = rows
  while (north <= south && !overlaps(north)) north++
  while (south >= north && !overlaps(south)) south--
  return { west: Math.max(west, 0), east: Math.min(east, matrix.columns - 1), north, south }
}

function sorted(names: readonly number[]): Float64Array {
  const all = Float64Array.from(names).sort()
  let count = 0
  for (const name of all) if (count === 0 || name !== all[count - 1]) all[count++] = name
  return all.slice(0, count)
}

function contains(names: Float64Array, name: number): boolean {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (names[middle]! < name) low = middle + 1
    else high = middle
  }
  return names[low] === name
}
