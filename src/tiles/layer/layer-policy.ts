import type { PolicyRule } from '../../http/policy-rule.js'
import type { Layer } from './layer.js'

const NEGATIVE = new Set([204, 404])

/**
 * What a rule says on freshness, made the layer's: by zoom, for tiles that are not there, and shortened by chance. What it says of one response
 * is always the same, for it is asked anew with each lookup.
 */
export function layerPolicy(
  layer: Layer,
): (policy: PolicyRule, response: { readonly url: string; readonly status: number }) => PolicyRule {
  const { zoomTtl = [], negativeTtl, ttlJitter = 0 } = layer.settings
  if (zoomTtl.length === 0 && negativeTtl === undefined && ttlJitter === 0) return policy => policy
  return (policy, { url, status }) => {
    const shorten = shortener(ttlJitter, url)
    if (negativeTtl !== undefined && NEGATIVE.has(status)) {
      const statusTtl = { ...policy.statusTtl, [String(status)]: shorten(negativeTtl)! }
      return { ...policy, statusTtl, overrideTtl: undefined }
    }
    const z = zoomTtl.length === 0 ? undefined : zoomOf(layer, url)
    const own = z === undefined ? undefined : zoomTtl.find(({ zoom }) => z >= zoom[0] && z <= zoom[1])
    return {
      ...policy,
      ttl: shorten(own?.ttl ?? policy.ttl),
      overrideTtl: shorten(own?.overrideTtl ?? policy.overrideTtl),
    }
  }
}

function zoomOf(layer: Layer, url: string): number | undefined {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const [path = '/', query] = start === -1 ? ['/'] : url.slice(start).split('?', 2)
  return layer.tileOf(path, query)?.z
}

/** Shortens by up to `part`, by a number that the URL alone makes. */
function shortener(part: number, url: string): (seconds: number | undefined) => number | undefined {
  if (part === 0) return seconds => seconds
  const factor = 1 - part * chanceOf(url)
  return seconds => (seconds === undefined ? undefined : Math.floor(seconds * factor))
}

/** 0 to 1, evenly spread over URLs that hardly differ (FNV-1a, its bits mixed once more). */
function chanceOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
