import { fieldLines, withoutFields, type RawFields } from '../http/fields.js'
import type { Rule } from './rules.js'

const REPLACED = new Set(['access-control-allow-origin', 'access-control-allow-credentials', 'vary'])

/**
 * The origin's fields with the CORS fields of the rule's layer, where it sets some. What the origin says of its own varies with who asks, mostly
 * without saying so: a tile that a seeder has fetched would then be useless to map clients. Origin goes out of Vary, and is not forwarded
 * either: nothing depends on it any more (P4).
 */
export function withLayerCors<Head extends { readonly fields: RawFields }>(
  head: Head,
  { layer }: Pick<Rule, 'layer'>,
): Head {
  const cors = layer?.settings.cors
  if (cors === undefined) return head
  const vary = fieldLines(head.fields, 'vary')
    .join(',')
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '' && name.toLowerCase() !== 'origin')
  const fields = [...withoutFields(head.fields, REPLACED), 'Access-Control-Allow-Origin', cors]
  if (vary.length > 0) fields.push('Vary', vary.join(', '))
  return { ...head, fields }
}
