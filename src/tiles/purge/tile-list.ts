import { StrataError } from '../../errors.js'
import type { Tile } from '../grid/matrix-set.js'

/** Tiles by zoom, then row, then column: the order in which they are packed. */
export function inPackingOrder(a: Tile, b: Tile): number {
  return a.z - b.z || a.y - b.y || a.x - b.x
}

/**
 * Tiles as text, several texts where one would be too long. Each tile is said by its steps from the one before: zoom, row, column; a column is
 * counted anew in each row, a row in each zoom.
 * @param tiles in packing order, none twice
 * @param maxBytes of one text, before it becomes base64
 */
export function packTiles(tiles: readonly Tile[], maxBytes: number): string[] {
  const texts: string[] = []
  let bytes: number[] = []
  let last: Tile = { z: 0, x: 0, y: 0 }
  const close = () => {
    if (bytes.length > 0) texts.push(Buffer.from(bytes).toString('base64'))
    bytes = []
    last = { z: 0, x: 0, y: 0 }
  }
  for (const tile of tiles) {
    if (bytes.length > maxBytes - 16) close()
    const down = tile.z - last.z
    const y = down === 0 ? tile.y - last.y : tile.y
    const x = down === 0 && y === 0 ? tile.x - last.x : tile.x
    for (const step of [down, y, x]) pushNumber(bytes, step)
    last = tile
  }
  close()
  return texts
}

/** @throws StrataError STRATA_DECODE for what is no such text */
export function unpackTiles(text: string): Tile[] {
  const bytes = Buffer.from(text, 'base64')
  const tiles: Tile[] = []
  let last: Tile = { z: 0, x: 0, y: 0 }
  let at = 0
  const next = () => {
    let value = 0
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++]!
      value += (byte & 127) * factor
      if (byte < 128 && Number.isSafeInteger(value)) return value
    }
    throw new StrataError('STRATA_DECODE', 'a list of tiles is cut off')
  }
  while (at < bytes.length) {
    const [down, y, x] = [next(), next(), next()]
    const z = last.z + down
    last = {
      z,
      y: down === 0 ? last.y + y : y,
      x: down === 0 && y === 0 && tiles.length > 0 ? last.x + x : x,
    }
    tiles.push(last)
  }
  return tiles
}

/** Seven bits a byte, the least first. */
function pushNumber(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}
