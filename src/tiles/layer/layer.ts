import { AreaIndex } from '../area/area-index.js'
import { areaOfBbox } from '../area/area.js'
import type { LayerSettings } from '../../engine/settings.js'
import { boundsOf, type MatrixSet, type Tile } from '../grid/matrix-set.js'
import type { ZoomRange } from '../plan/tile-plan.js'
import { Template, type NamedTile } from './template.js'
import { compileParts, formatParts, placesOf, type Parts } from './template-parts.js'

/** A tile as a URL of the layer names it. */
export interface LayerTile extends NamedTile {
  readonly layer: string
}

/** A rule's tiles, compiled. With places in its name it stands for many layers, one for each value. */
export class Layer {
  readonly templates: readonly Template[]
  readonly zooms: ZoomRange
  /** Where there are tiles; undefined for everywhere. */
  readonly extent: AreaIndex | undefined
  readonly #name: Parts
  readonly #places: readonly string[]

  constructor(
    readonly settings: LayerSettings,
    readonly sets: readonly MatrixSet[],
  ) {
    const { template, zoomOffset = 0, minZoom = 0, maxZoom, extent } = settings
    const texts = typeof template === 'string' ? [template] : template
    this.templates = texts.map(text => new Template(text, { sets, zoomOffset }))
    const name = layerNameOf(settings)
    this.#name = compileParts(name, 'name', sets)
    this.#places = placesOf(name)
    const deepest = Math.max(...sets.map(({ matrices }) => matrices.length - 1))
    this.zooms = [minZoom, Math.min(maxZoom ?? deepest, deepest)]
    this.extent = extent === undefined ? undefined : new AreaIndex(areaOfBbox(extent))
  }

  /** Set of the URLs that name none. */
  get set(): MatrixSet {
    return this.sets[0]!
  }

  /** The name, where it is one; undefined when it has places. */
  get fixedName(): string | undefined {
    return this.#places.length === 0 ? layerNameOf(this.settings) : undefined
  }

  /** The tile that a URL names. @param path as it stands in the URL @param query without `?` */
  tileOf(path: string, query: string | undefined): LayerTile | undefined {
    for (const template of this.templates) {
      const tile = template.read(path, query)
      if (tile !== undefined) return { ...tile, layer: this.#nameBy(tile) }
    }
    return undefined
  }

  /** Whether a URL is like that of a tile, though there may be no such column, row or zoom. */
  fits(path: string, query: string | undefined): boolean {
    return this.templates.some(template => template.fits(path, query))
  }

  /** What the places of the name stand for in this one; undefined when it is no name of this layer. */
  paramsOf(name: string): Readonly<Record<string, string>> | undefined {
    const found = this.#name.read(name)
    return found === undefined ? undefined : Object.fromEntries(found)
  }

  /**
   * Path and query of a tile, by the first template.
   * @param params for the places of the template: those of the name (`paramsOf`), and `scale`, `tms` and further ones
   * @throws RangeError for a tile that the set does not have, and when a parameter is missing
   */
  urlOf(tile: Tile, params: Readonly<Record<string, string>> = {}): string {
    return this.templates[0]!.format(tile, params)
  }

  /** Whether the layer has the tile: its zooms, its extent. */
  has({ set, ...tile }: Tile & { readonly set: MatrixSet }): boolean {
    if (tile.z < this.zooms[0] || tile.z > this.zooms[1]) return false
    return this.extent === undefined || this.extent.meets(boundsOf(set, tile))
  }

  #nameBy({ params, set }: NamedTile): string {
    const fixed = this.fixedName
    return fixed ?? formatParts(this.#name, { ...params, tms: set.id }, text => text)
  }
}

/** A layer's name as it was given, or what `{layer}` of its template stands for. */
export function layerNameOf({ name }: LayerSettings): string {
  return name ?? '{layer}'
}
