import type { Fence } from '../../engine/fence/fence.js'
import type { Entry, FenceState, MetadataStore } from '../../engine/ports/index.js'
import type { Pass } from '../../engine/sweep/pass.js'
import { setName, type MatrixSet } from '../grid/matrix-set.js'
import type { Layers } from '../layer/layers.js'
import { TileTable } from './tile-table.js'

export interface CensusParts {
  readonly metadata: MetadataStore
  readonly fence: Fence
  readonly layers: Layers
  /** Until when an entry is fresh, ms since the epoch. */
  readonly freshUntil: (entry: Entry) => number
}

/** Tiles that are held at most, over all layers: 32 bytes each. */
export const MOST_TILES = 8_000_000
const PAGE = 500

/** All tiles that were stored at one time, by layer, matrix set and zoom. */
export class TileCensus {
  readonly #tables = new Map<string, TileTable>()
  #count = 0
  /** False: there were more tiles than are held. */
  complete = true

  constructor(
    /** When it began, ms since the epoch: what was stored by then is in it. */
    readonly asOf: number,
    /** What had been purged by then is not. */
    readonly fence: FenceState,
  ) {}

  table(layer: string, set: MatrixSet, zoom: number): TileTable | undefined {
    return this.#tables.get(nameOf(layer, set, zoom))
  }

  add(
    layer: string,
    set: MatrixSet,
    { z, x, y }: { z: number; x: number; y: number },
    freshUntil: number,
  ): void {
    if (this.#count >= MOST_TILES) {
      this.complete = false
      return
    }
    const name = nameOf(layer, set, z)
    let table = this.#tables.get(name)
    if (table === undefined) this.#tables.set(name, (table = new TileTable()))
    const before = table.size
    table.add(x, y, set.matrices[z]!.columns, freshUntil)
    this.#count += table.size - before
  }
}

/** Goes through the whole store once, at the pass's pace. @throws PassCancelled; whatever the store fails with */
export async function takeCensus(parts: CensusParts, pass: Pass, now: number): Promise<TileCensus> {
  const { metadata, fence, freshUntil } = parts
  await fence.refresh()
  const census = new TileCensus(now, fence.state())
  pass.total = (await metadata.usage()).entries
  let cursor: string | undefined
  do {
    const page = await metadata.list(PAGE, cursor)
    const { epoch, seq } = fence.state()
    if (page.items.some(({ entry: { stamp } }) => stamp.epoch !== epoch || stamp.seq > seq))
      await fence.refresh()
    for (const { entry } of page.items) {
      pass.examined++
      const found = tileOf(parts.layers, entry)
      // What says that there is no tile (204, 404) covers nothing.
      if (found === undefined || entry.status >= 300 || entry.status === 204) continue
      const verdict = fence.verdict(entry)
      if (verdict === 'dead') continue
      census.add(found.layer, found.set, found, verdict === 'soft' ? 0 : freshUntil(entry))
    }
    cursor = page.cursor
    await pass.breathe()
  } while (cursor !== undefined)
  return census
}

function tileOf(layers: Layers, entry: Entry) {
  const { tile } = entry
  const set = tile === undefined ? undefined : layers.setNamed(tile.set)
  if (tile !== undefined && set?.matrices[tile.z]?.has(tile.x, tile.y) === true) return { ...tile, set }
  return layers.tileOf(entry.url)
}

function nameOf(layer: string, set: MatrixSet, zoom: number): string {
  return `${setName(set)}\n${zoom}\n${layer}`
}
