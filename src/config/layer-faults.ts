import { compileGlob } from '../engine/glob/glob.js'
import { isStrataError } from '../errors.js'
import type { LayerSettings, RuleSettings, TileSettings } from '../engine/settings.js'
import { readBbox } from '../tiles/area/geojson.js'
import { WELL_KNOWN_SETS, type MatrixSet } from '../tiles/grid/matrix-set.js'
import { faultOfMatrixSet, readMatrixSet, type OgcTileMatrixSet } from '../tiles/grid/ogc-matrix-set.js'
import { layerNameOf, setIds } from '../tiles/layer/layers.js'
import { faultOfTemplate, Template } from '../tiles/layer/template.js'
import { placesOf } from '../tiles/layer/template-parts.js'
import type { Fault } from './faults.js'

/** What is wrong with layers and matrix sets beyond their shape: each by itself, and beside the others. */
export function layerFaults(rules: readonly RuleSettings[], tiles: TileSettings): Fault[] {
  const faults: Fault[] = []
  const sets = [...WELL_KNOWN_SETS]
  for (const [i, definition] of (tiles.matrixSets as readonly OgcTileMatrixSet[]).entries()) {
    const path = `tiles.matrixSets[${i}]`
    const message = sets.some(({ id }) => id === definition.id)
      ? `has the id ${definition.id}, which another set has`
      : faultOfMatrixSet(definition)
    if (message === undefined) sets.push(readMatrixSet(definition))
    else faults.push({ path, message })
  }
  const names = new Set<string>()
  for (const [i, { layer, match }] of rules.entries()) {
    if (layer === undefined) continue
    const path = `rules[${i}].layer`
    faults.push(...layerFaultsAt(layer, typeof match === 'string' ? [match] : match, sets, path))
    const name = layerNameOf(layer)
    if (names.has(name))
      faults.push({ path: `${path}.name`, message: `is ${name}, which another rule's layer has` })
    names.add(name)
  }
  return faults
}

function layerFaultsAt(
  layer: LayerSettings,
  match: readonly string[],
  known: readonly MatrixSet[],
  path: string,
): Fault[] {
  const faults: Fault[] = []
  const sets = setIds(layer.matrixSet).flatMap(id => {
    const set = known.find(candidate => candidate.id === id)
    if (set !== undefined) return [set]
    const others = known.map(candidate => candidate.id).join(', ')
    faults.push({
      path: `${path}.matrixSet`,
      message: `names ${id}: there are ${others} (more: tiles.matrixSets)`,
    })
    return []
  })
  if (faults.length > 0) return faults
  const texts = typeof layer.template === 'string' ? [layer.template] : layer.template
  for (const text of texts) {
    const message = faultOfTemplate(text, sets) ?? faultBesideRule(text, layer, match, sets)
    if (message !== undefined) faults.push({ path: `${path}.template`, message })
  }
  const [lowest, highest] = [layer.minZoom ?? 0, layer.maxZoom ?? 30]
  if (lowest > highest) faults.push({ path: `${path}.maxZoom`, message: `is below minZoom (${lowest})` })
  for (const [i, { zoom }] of (layer.zoomTtl ?? []).entries()) {
    if (zoom[0] > zoom[1])
      faults.push({ path: `${path}.zoomTtl[${i}].zoom`, message: 'has its last zoom below its first' })
  }
  if (layer.extent !== undefined) faults.push(...extentFaults(layer.extent, `${path}.extent`))
  return faults
}

/** Name and template belong together, and the rule has to match what the template makes. */
function faultBesideRule(
  text: string,
  layer: LayerSettings,
  match: readonly string[],
  sets: readonly MatrixSet[],
): string | undefined {
  const places = placesOf(text)
  const missing = placesOf(layerNameOf(layer)).find(place => !places.includes(place))
  if (missing !== undefined) {
    return layer.name === undefined
      ? 'has no {layer}: give the layer a name'
      : `has no {${missing}}, which the name of the layer has`
  }
  const template = new Template(text, { sets, zoomOffset: 0 })
  const params = Object.fromEntries(template.params.map(place => [place, place]))
  const path = template.format({ z: 0, x: 0, y: 0 }, params).split('?', 1)[0]!
  if (match.some(glob => compileGlob(glob)(path))) return undefined
  return `makes URLs such as ${path}, which the rule's match does not take`
}

function extentFaults(extent: readonly number[], path: string): Fault[] {
  try {
    readBbox([...extent], path)
    return []
  } catch (error) {
    if (isStrataError(error, 'STRATA_BAD_REQUEST') && 'faults' in error) return [...(error.faults as Fault[])]
    throw error
  }
}
