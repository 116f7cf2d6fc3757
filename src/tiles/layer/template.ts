import { quadkeyToTile, tileToQuadkey } from '@mapbox/tilebelt'
import { isTileOf, type MatrixSet, type Tile } from '../grid/matrix-set.js'
import { compileParts, formatParts, placesOf, type Parts } from './template-parts.js'

/** What a URL says by a layer's template. */
export interface NamedTile extends Tile {
  readonly set: MatrixSet
  /** What the places stand for that are no numbers of the tile: `{layer}`, `{c}`; `scale` is 1 where the URL says nothing. */
  readonly params: Readonly<Record<string, string>>
}

export interface TemplateOptions {
  /** Sets that the URL may name by `{tms}`; the first is meant where it names none. */
  readonly sets: readonly MatrixSet[]
  /** Zoom in the URL less the zoom of the set. */
  readonly zoomOffset: number
}

/** Places that are numbers of the tile. */
const TILE_PLACES = new Set(['z', 'x', 'y', '-y', 'quadkey', 'tms', 'scale', 'r'])

/**
 * A URL template of tiles, read both ways. Places: `{z}` `{x}` `{y}`, `{-y}` (counted from the other end: TMS), `{quadkey}`, `{scale}` or
 * `{r}` (`@2x` or nothing), `{tms}` (matrix set); any other name stands for a piece of path or a parameter's value. `{z:2}` is written with
 * at least two digits; read is any number of leading zeros. Parameters behind `?` may come in any order, with names in any case (WMTS KVP), beside others.
 */
export class Template {
  readonly #path: Parts
  readonly #query: readonly { readonly name: string; readonly parts: Parts }[]
  /** Names of the places that are no numbers of the tile. */
  readonly params: readonly string[]

  constructor(
    readonly text: string,
    private readonly options: TemplateOptions,
  ) {
    const [path = '', query] = text.split('?', 2)
    this.#path = compileParts(path, 'path', options.sets)
    this.#query = [...new URLSearchParams(query ?? '')].map(([name, value]) => ({
      name: name.toLowerCase(),
      parts: compileParts(value, 'value', options.sets),
    }))
    this.params = placesOf(text).filter(place => !TILE_PLACES.has(place))
  }

  /** @param path as it stands in the URL @param query without `?` */
  read(path: string, query: string | undefined): NamedTile | undefined {
    const taken = this.#take(path, query)
    return taken && this.#tile(taken)
  }

  /** Whether the URL is like that of a tile, though there may be no such tile. */
  fits(path: string, query: string | undefined): boolean {
    return this.#take(path, query) !== undefined
  }

  /**
   * Path and query of a tile.
   * @param params for the places that are no numbers of the tile; `scale` (1, if not given) and `tms` may be among them
   * @throws RangeError for a tile that the set does not have, and when a parameter is missing
   */
  format(tile: Tile, params: Readonly<Record<string, string>> = {}): string {
    const { sets, zoomOffset } = this.options
    const set = params.tms === undefined ? sets[0]! : sets.find(({ id }) => id === params.tms)
    if (set === undefined || !isTileOf(set, tile))
      throw new RangeError(`${set?.id ?? params.tms} has no tile ${tile.z}/${tile.x}/${tile.y}`)
    const { scale = '1' } = params
    const { rows } = set.matrices[tile.z]!
    const shown = set.matrices[tile.z + zoomOffset]
    const values: Record<string, string> = {
      ...params,
      z: zoomOffset === 0 ? set.matrices[tile.z]!.id : (shown?.id ?? String(tile.z + zoomOffset)),
      x: String(tile.x),
      y: String(tile.y),
      '-y': String(rows - 1 - tile.y),
      quadkey: set.quad ? tileToQuadkey([tile.x, tile.y, tile.z]) : '',
      tms: set.id,
      scale: scale === '1' ? '' : `@${scale}x`,
      r: scale === '1' ? '' : `@${scale}x`,
    }
    const path = formatParts(this.#path, values, encodeURIComponent)
    if (this.#query.length === 0) return path
    const [, query = ''] = this.text.split('?', 2)
    const pairs = [...new URLSearchParams(query).keys()].map(
      (name, i) => `${name}=${formatParts(this.#query[i]!.parts, values, encodeURIComponent)}`,
    )
    return `${path}?${pairs.join('&')}`
  }

  #take(path: string, query: string | undefined): Map<string, string> | undefined {
    const taken = this.#path.read(path)
    if (taken === undefined) return undefined
    return this.#query.length === 0 || this.#readQuery(query ?? '', taken) ? taken : undefined
  }

  #readQuery(query: string, taken: Map<string, string>): boolean {
    const given = new Map<string, string>()
    for (const [name, value] of new URLSearchParams(query)) {
      const key = name.toLowerCase()
      // Twice, and who knows which of them the origin takes.
      if (given.has(key) && this.#query.some(part => part.name === key)) return false
      given.set(key, value)
    }
    for (const { name, parts } of this.#query) {
      const value = given.get(name)
      const found = value === undefined ? undefined : parts.read(value)
      if (found === undefined) return false
      for (const [place, text] of found) taken.set(place, text)
    }
    return true
  }

  #tile(taken: ReadonlyMap<string, string>): NamedTile | undefined {
    const { sets, zoomOffset } = this.options
    const tms = taken.get('tms')
    const set = tms === undefined ? sets[0]! : sets.find(({ id }) => id.toLowerCase() === tms.toLowerCase())
    if (set === undefined) return undefined
    const scale = taken.get('scale') ?? taken.get('r') ?? ''
    const params: Record<string, string> = { scale: /\d/.exec(scale)?.[0] ?? '1' }
    for (const place of this.params) params[place] = taken.get(place)!
    const quadkey = taken.get('quadkey')
    if (quadkey !== undefined) {
      const [x, y, z] = quadkeyToTile(quadkey)
      return isTileOf(set, { z, x, y }) ? { z, x, y, set, params } : undefined
    }
    const z = zoomOf(set, taken.get('z')!) - zoomOffset
    const matrix = set.matrices[z]
    if (matrix === undefined) return undefined
    const x = Number(taken.get('x'))
    const given = taken.get('y')
    const y = given === undefined ? matrix.rows - 1 - Number(taken.get('-y')) : Number(given)
    return matrix.has(x, y) ? { z, x, y, set, params } : undefined
  }
}

/** Where zooms are numbered, `04` and `4` are one (WMTS servers take both). */
function zoomOf({ matrices }: MatrixSet, text: string): number {
  const z = matrices.findIndex(({ id }) => id === text)
  if (z !== -1 || !/^\d+$/.test(text)) return z === -1 ? NaN : z
  const plain = matrices.findIndex(({ id }) => id === String(Number(text)))
  // With an offset, a URL may say a zoom that the set has no matrix for.
  return plain === -1 && matrices.every(({ id }, i) => id === String(i)) ? Number(text) : plain
}

/** What is wrong with a template, in words that go behind its name; undefined when it can be used. */
export function faultOfTemplate(text: string, sets: readonly MatrixSet[]): string | undefined {
  if (!text.startsWith('/')) return 'must begin with / (it is compared with path and query)'
  if (text.includes('#')) return 'must not hold a #'
  const places = placesOf(text)
  const twice = places.find((place, i) => places.indexOf(place) !== i)
  if (twice !== undefined) return `has {${twice}} twice`
  const has = (place: string) => places.includes(place)
  if (has('quadkey')) {
    if (['z', 'x', 'y', '-y'].some(has))
      return 'has {quadkey}, which says zoom, column and row: take {z}, {x} and {y} out'
    return sets.every(({ quad }) => quad)
      ? undefined
      : 'has {quadkey}, which only tiles of WebMercatorQuad have'
  }
  const missing = [...['z', 'x'].filter(place => !has(place)), ...(has('y') || has('-y') ? [] : ['y'])]
  if (missing.length > 0) return `lacks ${missing.map(place => `{${place}}`).join(', ')}`
  if (has('y') && has('-y')) return 'has both {y} and {-y}'
  if (has('scale') && has('r')) return 'has both {scale} and {r}'
  const free = text
    .split(/[/?&]/)
    .find(part => placesOf(part).filter(place => !TILE_PLACES.has(place)).length > 2)
  if (free !== undefined) return `has more than two names of your own in ${JSON.stringify(free)}`
  const stuck = /\}\{(?!scale\}|r\})/.exec(text)
  if (stuck !== null) return `has two places with nothing between them at character ${stuck.index + 1}`
  return /[{}]/.test(text.replaceAll(/\{-?[A-Za-z_]\w*(:\d)?\}/g, ''))
    ? 'has a brace that belongs to no place such as {z}'
    : undefined
}
