import type { RuleSettings, TileSettings } from '../../engine/settings.js'
import { WELL_KNOWN_SETS, setName, type MatrixSet, type Tile } from '../grid/matrix-set.js'
import { readMatrixSet, type OgcTileMatrixSet } from '../grid/ogc-matrix-set.js'
import { Layer, type LayerTile } from './layer.js'

export { layerNameOf } from './layer.js'

/** One layer that was asked for by its name. */
export interface NamedLayer {
  readonly name: string
  readonly layer: Layer
  /** What the places of its name stand for. */
  readonly params: Readonly<Record<string, string>>
}

/** All layers of the rules, in their order. */
export class Layers {
  readonly sets: readonly MatrixSet[]
  readonly all: readonly Layer[]
  readonly #byRule = new Map<RuleSettings, Layer>()

  constructor(rules: readonly RuleSettings[], tiles: TileSettings) {
    this.sets = allSets(tiles)
    for (const rule of rules) {
      if (rule.layer === undefined) continue
      const ids = setIds(rule.layer.matrixSet)
      this.#byRule.set(
        rule,
        new Layer(
          rule.layer,
          ids.map(id => this.#set(id)),
        ),
      )
    }
    this.all = [...this.#byRule.values()]
  }

  ofRule(rule: RuleSettings): Layer | undefined {
    return this.#byRule.get(rule)
  }

  /** A layer by name: one that bears it, else the first whose name has places that it fits. */
  find(name: string): NamedLayer | undefined {
    const fixed = this.all.find(layer => layer.fixedName === name)
    if (fixed !== undefined) return { name, layer: fixed, params: {} }
    for (const layer of this.all) {
      const params = layer.fixedName === undefined ? layer.paramsOf(name) : undefined
      if (params !== undefined) return { name, layer, params }
    }
    return undefined
  }

  /** The tile of whichever layer a URL (absolute, or path and query) names. */
  tileOf(url: string): LayerTile | undefined {
    const { path, query } = splitUrl(url)
    for (const layer of this.all) {
      const tile = layer.tileOf(path, query)
      if (tile !== undefined) return tile
    }
    return undefined
  }

  /** A set by the name that entries keep (`setName`). */
  setNamed(name: string): MatrixSet | undefined {
    return this.sets.find(set => setName(set) === name)
  }

  #set(id: string): MatrixSet {
    const set = this.sets.find(known => known.id === id)
    if (set === undefined) throw new RangeError(`there is no tile matrix set ${id}`)
    return set
  }
}

/** Path and query of a tile of this layer. @throws RangeError when the template needs more than `more` says */
export function tileUrl(
  { layer, params }: NamedLayer,
  tile: Tile,
  more: Record<string, string> = {},
): string {
  return layer.urlOf(tile, { ...params, ...more })
}

/** The tile of this layer that a URL (absolute, or path and query) names. */
export function tileOfUrl({ layer, name }: NamedLayer, url: string): LayerTile | undefined {
  const { path, query } = splitUrl(url)
  const tile = layer.tileOf(path, query)
  return tile?.layer === name ? tile : undefined
}

export function setIds(matrixSet: string | readonly string[] | undefined): readonly string[] {
  if (matrixSet === undefined) return ['WebMercatorQuad']
  return typeof matrixSet === 'string' ? [matrixSet] : matrixSet
}

function allSets({ matrixSets }: TileSettings): readonly MatrixSet[] {
  return [...WELL_KNOWN_SETS, ...matrixSets.map(set => readMatrixSet(set as OgcTileMatrixSet))]
}

function splitUrl(url: string): { path: string; query: string | undefined } {
  const scheme = url.indexOf('://')
  const start = scheme === -1 ? 0 : url.indexOf('/', scheme + 3)
  if (start === -1) return { path: '/', query: undefined }
  const mark = url.indexOf('?', start)
  return mark === -1
    ? { path: url.slice(start), query: undefined }
    : { path: url.slice(start, mark), query: url.slice(mark + 1) }
}
