import type { PolicyRule } from '../../http/policy-rule.js'
import type { LayerSettings, RuleSettings } from '../settings.js'
import type { Entry } from './entry.js'

/** Which tile an entry is. Short, because every tile's metadata holds it. */
export interface TileRef {
  readonly layer: string
  /** Name of the matrix set. */
  readonly set: string
  readonly z: number
  readonly x: number
  readonly y: number
}

/** The tiles that an invalidation is about. Only the layer is the engine's to read: the rest belongs to the layers' own code. */
export interface TileCriterion {
  readonly layer: string
  readonly [more: string]: unknown
}

export type TileSubject = Pick<Entry, 'url' | 'tile'>

/** One rule's tiles. */
export interface RuleLayer {
  readonly settings: LayerSettings
  /**
   * The tile that a URL names; `none` when it is like that of a tile, of which there are fewer columns, rows or zooms.
   * @param path as it stands in the URL @param query without `?`
   */
  tileOf(path: string, query: string | undefined): TileRef | 'none' | undefined
  /** False: the tile lies outside of the layer, and is answered with 404 without asking the origin. */
  serves(tile: TileRef | 'none'): boolean
  /** The rule's say on freshness, for a response to this URL. */
  policyFor(policy: PolicyRule, response: { readonly url: string; readonly status: number }): PolicyRule
  /** Whether a response with this media type may be a tile. */
  acceptsContentType(mediaType: string, status: number): boolean
}

/** The map layers of the rules: what the engine asks of them. */
export interface TileBook {
  ofRule(rule: RuleSettings): RuleLayer | undefined
  /**
   * Whether an entry is one of the tiles. A layer that is not known here, and a criterion that cannot be read, gives a test that says yes to
   * everything: what may be dead is not served.
   */
  matcher(criterion: TileCriterion): (entry: TileSubject) => boolean
}
