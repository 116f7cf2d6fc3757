import type { PolicyRule } from '../http/policy-rule.js'
import type { RuleLayer, TileBook, TileCriterion } from '../engine/ports/index.js'
import type { RuleSettings } from '../engine/settings.js'
import { setName } from './grid/matrix-set.js'
import type { Layer } from './layer/layer.js'
import { layerPolicy } from './layer/layer-policy.js'
import type { Layers } from './layer/layers.js'
import { matcherOf } from './purge/matcher.js'

/** The layers as the engine asks for them. */
export function tileBook(layers: Layers): TileBook {
  const ruled = new Map<Layer, RuleLayer>()
  return {
    ofRule: (rule: RuleSettings) => {
      const layer = layers.ofRule(rule)
      if (layer === undefined) return undefined
      if (!ruled.has(layer)) ruled.set(layer, ruleLayer(layers, layer))
      return ruled.get(layer)
    },
    matcher: (criterion: TileCriterion) => matcherOf(layers, criterion),
  }
}

function ruleLayer(layers: Layers, layer: Layer): RuleLayer {
  const policyFor = layerPolicy(layer)
  return {
    settings: layer.settings,
    tileOf: (path, query) => {
      const found = layer.tileOf(path, query)
      if (found === undefined) return layer.fits(path, query) ? 'none' : undefined
      return { layer: found.layer, set: setName(found.set), z: found.z, x: found.x, y: found.y }
    },
    serves: tile => {
      if (layer.settings.outside !== 'not-found') return true
      const set = tile === 'none' ? undefined : layers.setNamed(tile.set)
      return tile !== 'none' && set !== undefined && layer.has({ ...tile, set })
    },
    policyFor: (policy: PolicyRule, response) => policyFor(policy, response),
    acceptsContentType,
  }
}

/** What tile servers send in place of a tile, with status 200: MapServer's errors, OGC exceptions. */
const NO_TILES = /^(text\/(html|plain|xml)|application\/(xml|xhtml\+xml|vnd\.ogc\..*))$/

/** Errors with an error's status may be of any type: a 404 can be kept for a while. */
function acceptsContentType(mediaType: string, status: number): boolean {
  return status >= 300 || status === 204 || !NO_TILES.test(mediaType)
}
